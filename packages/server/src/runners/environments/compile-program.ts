/**
 * Python that compiles the modules of an environment once, so that no start of a model does it: the environment is
 * read-only then. Run with the base interpreter and without `site`, because an interpreter of the environment itself would
 * run what packages put into `.pth` files. Tests of packages are left out: mostly more than half of all files, and never
 * imported. Prints how many files it compiled. Argument 1: the folder.
 */
export const compileProgram = `
import os, py_compile, sys
folder = os.path.abspath(sys.argv[1])
files = []
for root, folders, names in os.walk(folder):
    folders[:] = [name for name in folders if name not in ("tests", "test", "__pycache__")]
    files += [os.path.join(root, name) for name in names if name.endswith(".py")]
sys.setrecursionlimit(10000)
workers = min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 8)
mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
children = []
for number in range(workers):
    child = os.fork()
    if child == 0:
        for file in files[number::workers]:
            try:
                py_compile.compile(file, doraise=True, quiet=2, invalidation_mode=mode)
            except Exception:
                pass
        os._exit(0)
    children.append(child)
failed = [os.waitpid(child, 0)[1] for child in children]
print(len(files))
sys.exit(1 if any(failed) else 0)
`;
