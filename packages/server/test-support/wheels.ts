import { execFileSync } from 'node:child_process';

/** A wheel to make: what it needs, what it holds. */
export interface WheelPlan {
  readonly name: string;
  readonly version: string;
  readonly tag?: string;
  readonly requires?: readonly string[];
  readonly python?: string;
  /** Further files by their paths. */
  readonly files?: Readonly<Record<string, string>>;
  /** Bytes of a file of zeros within. */
  readonly ballast?: number;
}

const program = `
import json, os, sys, zipfile
folder = sys.argv[1]
for plan in json.load(sys.stdin):
    name, version, tag = plan["name"], plan["version"], plan.get("tag", "py3-none-any")
    about = "%s-%s.dist-info/" % (name, version)
    needs = "".join("Requires-Dist: %s\\n" % each for each in plan.get("requires", []))
    python = "Requires-Python: %s\\n" % plan["python"] if "python" in plan else ""
    with zipfile.ZipFile(os.path.join(folder, "%s-%s-%s.whl" % (name, version, tag)), "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr(name + "/__init__.py", "version = %r\\n" % version)
        for path, text in plan.get("files", {}).items():
            wheel.writestr(path, text)
        if "ballast" in plan:
            with wheel.open(name + "/ballast", "w", force_zip64=True) as file:
                for _ in range(plan["ballast"] // 65536):
                    file.write(bytes(65536))
        wheel.writestr(about + "METADATA", "Metadata-Version: 2.1\\nName: %s\\nVersion: %s\\n%s%s" % (name, version, needs, python))
        wheel.writestr(about + "WHEEL", "Wheel-Version: 1.0\\nGenerator: tests\\nRoot-Is-Purelib: true\\nTag: %s\\n" % tag)
        wheel.writestr(about + "RECORD", "")
`;

/** Writes wheels into a folder, with a Python of this machine. */
export function writeWheels(python: string, folder: string, plans: readonly WheelPlan[]): void {
  execFileSync(python, ['-I', '-c', program, folder], { input: JSON.stringify(plans) });
}
