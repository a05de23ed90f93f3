"""Makes pickles that try ways out of the cage when they are loaded: `python3 hostile_model.py OUT FACTS`.

FACTS is JSON: `way` names what is tried (`look` tries all that can be tried side by side), the rest are places that the
test has prepared. What came of each way is written into the scratch folder, as the model saw it; what harm was done is
judged by the test from outside.
"""

import json
import os
import pickle
import sys

_FILE = os.path.abspath(__file__)


class Hostile:
    """Unpickled, it runs this file within the runner, and is a model that answers 0 for each row."""

    def __init__(self, facts):
        self.facts = facts

    def __reduce__(self):
        with open(_FILE, encoding="utf8") as file:
            source = file.read()
        call = (
            "(lambda space: (exec(compile(%r, 'hostile', 'exec'), space), space['run'](%r))[1])"
            "({'__name__': 'hostile', '__file__': ''})"
        )
        return eval, (call % (source, self.facts),)


class Model:
    def predict(self, rows):
        return [0.0 for _ in rows]


def run(facts):
    way = facts["way"]
    if way == "look":
        found = {}
        for name, attempt in LOOKS.items():
            try:
                found[name] = "possible: " + str(attempt(facts))[:200]
            except BaseException as thrown:  # what refuses, and how, is what is to be found out
                found[name] = "refused: " + type(thrown).__name__ + ": " + str(thrown)[:200]
        report(found)
    else:
        ACTS[way](facts)
    return Model()


def report(found):
    path = os.path.join(os.environ["HOME"], "found.json")
    with open(path + ".part", "w", encoding="utf8") as file:
        json.dump(found, file)
    os.rename(path + ".part", path)


def read(path):
    with open(path, "rb") as file:
        return file.read(20)


def write_into(folders, name, text):
    """Tries all of them, and says what was written; whether the test can see it there, it looks itself."""
    written = []
    for folder in folders:
        try:
            path = os.path.join(folder, name)
            with open(path, "w", encoding="utf8") as file:
                file.write(text)
            written.append(path)
        except OSError as thrown:
            last = thrown
    if not written:
        raise last
    return written


def see_processes(facts):
    others = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open("/proc/%s/cmdline" % name, "rb") as file:
                if facts["victimWord"].encode() in file.read():
                    others.append(name)
        except OSError:
            pass
    if not others:
        raise PermissionError("the victim is not to be seen")
    return others


def signal_others(facts):
    pid = facts["victim"]
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            if facts["victimWord"].encode() not in file.read():
                raise ProcessLookupError("another process has that number here")
    except PermissionError:
        pass
    os.kill(pid, 15)
    return "signalled"


def read_environment(facts):
    return read("/proc/%d/environ" % facts["victim"])


def trace_process(facts):
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    if library.ptrace(16, facts["victim"], 0, 0) != 0:
        raise PermissionError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    os.waitpid(facts["victim"], 0)
    library.ptrace(17, facts["victim"], 0, 0)
    return "attached"


def interfaces(_):
    import socket

    try:
        names = {name for _, name in socket.if_nameindex()}
    except OSError:
        names = set()
    try:
        with open("/proc/net/route", encoding="utf8") as file:
            names.update(line.split()[0] for line in file.readlines()[1:])
    except OSError:
        pass
    # A loopback interface that is down, or tunnels that lead nowhere, come with every network namespace.
    usable = set()
    for name in names:
        flags = interface_flags(name)
        if flags & 1 and name != "lo":
            usable.add(name)
    if not usable:
        raise OSError("no interface but loopback is up: " + " ".join(sorted(names)))
    return sorted(usable)


def interface_flags(name):
    import fcntl
    import socket
    import struct

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            return struct.unpack("16sH14x", fcntl.ioctl(probe, 0x8913, struct.pack("16sH14x", name.encode(), 0)))[1]
        except OSError:
            return 0


def tcp(facts):
    import socket

    with socket.create_connection(("127.0.0.1", facts["tcp"]), 2):
        return "connected"


def udp(facts):
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"hostile", ("127.0.0.1", facts["udp"]))
    return "sent"


def listen(_):
    import socket

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        # It is of use only where others can get to it.
        if not interface_flags("lo") & 1:
            raise OSError("loopback is down")
    return "listening"


def unix(path):
    import socket

    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        client.connect(path)
        try:
            client.sendall(b"hostile")
        except OSError:
            pass  # the other side has hung up on us: it was reached
    return "connected"


def answer_for_other(facts):
    import socket

    path = facts["otherSocket"]
    os.unlink(path)
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    globals()["kept"] = server
    return "listening in its place"


def change_model(facts):
    folder = os.path.join(os.path.dirname(os.environ["HOME"]), "models")
    name = os.listdir(folder)[0]
    path = os.path.join(folder, name)
    with open(path, "r+b") as file:
        file.write(b"x")
    return path


def follow_links(facts):
    """Links to what is secret, where the server looks after us: it must neither follow nor serve them."""
    home = os.environ["HOME"]
    os.symlink(facts["database"], os.path.join(home, "link-to-database"))
    os.symlink("/", os.path.join(home, "link-to-root"))
    return read(os.path.join(home, "link-to-database"))


def hard_link(facts):
    target = os.path.join(os.environ["HOME"], "hard-link")
    os.link(facts["database"], target)
    return read(target)


def kernel_settings(_):
    with open("/proc/sys/kernel/core_pattern", "r+", encoding="utf8") as file:
        old = file.read()
        file.seek(0)
        file.write(old)
    return "written"


LOOKS = {
    "read the database": lambda facts: read(facts["database"]),
    "read the keys": lambda facts: read(facts["keys"]),
    "read the tokens": lambda facts: read(facts["tokens"]),
    "read another model": lambda facts: read(facts["otherModel"]),
    "read files of other people": lambda facts: read(facts["elsewhere"]),
    "write outside": lambda facts: write_into(facts["outside"], "written-by-model", "harm"),
    "change its own model": change_model,
    "see other processes": see_processes,
    "read the environment of control": read_environment,
    "read the memory of control": trace_process,
    "see the network": interfaces,
    "connect by TCP": tcp,
    "send by UDP": udp,
    "listen on TCP": listen,
    "reach the socket of control": lambda facts: unix(facts["control"]),
    "reach an abstract socket": lambda facts: unix("\0" + facts["abstract"]),
    "reach another model's runner": lambda facts: unix(facts["otherSocket"]),
    "answer for another model": answer_for_other,
    "poison the environment": lambda facts: write_into(facts["environment"], "poison.pth", "import os\n"),
    "follow a symbolic link": follow_links,
    "make a hard link": hard_link,
    "change settings of the kernel": kernel_settings,
    # Last, because it may end what the others need.
    "signal other processes": signal_others,
}


def bomb_of_processes(facts):
    """Bounded, so that a machine without a limit lives on."""
    import time

    children = 0
    try:
        for _ in range(facts["most"]):
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
            children += 1
    except OSError as thrown:
        report({"fork bomb": "refused: after %d: %s" % (children, thrown)})
        return
    report({"fork bomb": "possible: %d" % children})
    time.sleep(60)


def bomb_of_memory(facts):
    import time

    blocks = []
    try:
        while sum(map(len, blocks)) < facts["most"]:
            blocks.append(bytearray(os.urandom(1)) * (64 * 1024 * 1024))
            time.sleep(0.05)
    except MemoryError:
        report({"memory bomb": "refused: MemoryError"})
        return
    report({"memory bomb": "possible"})
    time.sleep(60)


def fill_disk(facts):
    """In several files, because one alone would be ended by its own limit."""
    import time

    for number in range(200):
        with open(os.path.join(os.environ["HOME"], "fill-%d" % number), "wb") as file:
            for _ in range(4):
                file.write(b"x" * 1024 * 1024)
        time.sleep(0.05)
    report({"disk fill": "possible"})
    time.sleep(60)


def one_large_file(facts):
    with open(os.path.join(os.environ["HOME"], "large"), "wb") as file:
        for _ in range(200):
            file.write(b"x" * 1024 * 1024)


def open_files(facts):
    opened = []
    try:
        for _ in range(5000):
            opened.append(os.open("/dev/null", os.O_RDONLY))
    except OSError as thrown:
        count = len(opened)
        for number in opened:
            os.close(number)
        report({"open files": "refused: after %d: %s" % (count, thrown)})
        return
    report({"open files": "possible"})


def leave_process(facts):
    """A process that leaves its group and its parent, and would go on when the runner has ended."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            sleep = "import time; time.sleep(120)"
            os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", sleep, facts["leftWord"]])
        os._exit(0)
    os.wait()


def print_much(_):
    """As models print, and past what the runtime puts before its output: to all that may lead to the server."""
    import socket
    import time

    block = b"a line of a gigabyte\n" * 5_000
    for _ in range(200):
        sys.stdout.write(block.decode())
    ways = []
    for number in range(3, 256):
        try:
            candidate = socket.socket(fileno=os.dup(number))
            if candidate.getsockname() == "" and candidate.getpeername() == "":
                ways.append(candidate)
        except OSError:
            pass
    most = 0
    sent = dict.fromkeys(ways, 0)
    while most < 1024 * 1024 * 1024:
        before = most
        for way in ways:
            try:
                sent[way] += way.send(block, socket.MSG_DONTWAIT)
            except OSError:
                pass
        most = max(sent.values(), default=0)
        if most == before:
            time.sleep(0.001)


def leave_traps(facts):
    """What a later start might take for its own: variables, and code where Python looks for some of its user's."""
    os.environ["LD_PRELOAD"] = os.path.join(os.environ["HOME"], "hostile.so")
    version = "python%d.%d" % sys.version_info[:2]
    code = "open(%r, 'w').close()" % os.path.join(os.environ["HOME"], "trap-ran")
    for folder in (".local/lib/%s/site-packages" % version, "."):
        os.makedirs(os.path.join(os.environ["HOME"], folder), exist_ok=True)
        for name in ("usercustomize.py", "sitecustomize.py", "json.py"):
            with open(os.path.join(os.environ["HOME"], folder, name), "w", encoding="utf8") as file:
                file.write(code)


def hang_at_exit(_):
    import atexit
    import signal
    import time

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        try:
            signal.signal(number, signal.SIG_IGN)
        except ValueError:
            pass  # not in the main thread
    atexit.register(time.sleep, 600)
    # Keeps the interpreter from ending, too.
    import threading

    threading.Thread(target=time.sleep, args=(600,)).start()


def endless(_):
    while True:
        pass


ACTS = {
    "nothing": lambda facts: None,
    "fork bomb": bomb_of_processes,
    "memory bomb": bomb_of_memory,
    "disk fill": fill_disk,
    "large file": one_large_file,
    "open files": open_files,
    "core dump": lambda facts: os.abort(),
    "leave a process": leave_process,
    "leave traps": leave_traps,
    "endless loop": endless,
    "print a gigabyte": print_much,
    "hang at exit": hang_at_exit,
    "exit": lambda facts: os._exit(3),
    "hang": lambda facts: __import__("time").sleep(600),
    "20 GB": lambda facts: bytearray(20 * 1024**3),
    "missing dependency": lambda facts: __import__("a_package_that_nobody_has"),
    "error": lambda facts: {}["the key that a newer version has"],
}


if __name__ == "__main__":
    with open(sys.argv[1], "wb") as target:
        pickle.dump(Hostile(json.loads(sys.argv[2])), target)
