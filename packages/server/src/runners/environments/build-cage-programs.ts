/**
 * Python that runs as process 1 of new namespaces, before anything of a build: covers what is hidden with empty file
 * systems, shows in them what a build needs, makes all read-only but its own folders, raises the loopback interface, and
 * starts the rest of its arguments. Argument 1: JSON with `hidden`, `readable`, `writable` and `cwd`.
 */
export const enterProgram = `
import ctypes, errno, fcntl, json, os, socket, struct, sys
wish = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
BIND, REC = 4096, 16384

def check(result, what):
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)

def mount(source, target, kind, flags, data=None):
    encode = lambda text: None if text is None else os.fsencode(text)
    check(libc.mount(encode(source), encode(target), encode(kind), ctypes.c_ulong(flags), encode(data)), target)

def set_read_only(path, is_read_only):
    attributes = struct.pack("=QQQQ", 1 if is_read_only else 0, 0 if is_read_only else 1, 0, 0)
    recursive = 0x8000 if is_read_only else 0
    check(libc.syscall(ctypes.c_long(442), ctypes.c_int(-100), ctypes.c_char_p(os.fsencode(path)), ctypes.c_uint(recursive), ctypes.c_char_p(attributes), ctypes.c_size_t(len(attributes))), path)

hidden = sorted({os.path.realpath(path) for path in wish["hidden"] if os.path.isdir(path)}, key=len)
held = {}
for path in wish["readable"] + wish["writable"]:
    for seen in {path, os.path.realpath(path)}:
        if os.path.exists(seen):
            held[seen] = (os.open(seen, os.O_PATH | os.O_CLOEXEC), os.path.isdir(seen))
for folder in hidden:
    if os.path.isdir(folder):
        mount("muster", folder, "tmpfs", 0, "mode=755,size=1m")
for path in sorted(held, key=len):
    handle, is_folder = held[path]
    writable = path in wish["writable"]
    if not writable and path not in hidden and os.path.exists(path):
        continue
    if not os.path.exists(path):
        os.makedirs(path if is_folder else os.path.dirname(path), exist_ok=True)
        if not is_folder:
            open(path, "x").close()
    mount("/proc/self/fd/%d" % handle, path, None, BIND | REC)
try:
    set_read_only("/", True)
    for path in wish["writable"]:
        set_read_only(path, False)
except OSError as error:
    if error.errno != errno.ENOSYS:
        raise
interface = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
name = struct.pack("16sh22x", b"lo", 0)
flags = struct.unpack("16sh22x", fcntl.ioctl(interface, 0x8913, name))[1]
fcntl.ioctl(interface, 0x8914, struct.pack("16sh22x", b"lo", flags | 1))
interface.close()
os.chdir(wish["cwd"])
os.execvp(sys.argv[2], sys.argv[2:])
`;

/**
 * Python that runs inside the cage of a build: listens on a port of the cage's own loopback, passes what comes on to the
 * Unix socket of the egress proxy, and runs the rest of its arguments with that port as their proxy. Argument 1: the socket.
 */
export const bridgeProgram = `
import os, socket, subprocess, sys, threading
listener = socket.create_server(("127.0.0.1", 0))
proxy = "http://127.0.0.1:%d" % listener.getsockname()[1]

def pump(source, target):
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for each in (source, target):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

def serve(client):
    with client, socket.socket(socket.AF_UNIX) as remote:
        try:
            remote.connect(sys.argv[1])
        except OSError:
            return
        back = threading.Thread(target=pump, args=(remote, client), daemon=True)
        back.start()
        pump(client, remote)
        back.join()

def listen():
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client,), daemon=True).start()

threading.Thread(target=listen, daemon=True).start()
names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
own = {key: value for key, value in os.environ.items() if not key.upper().endswith("_PROXY")}
own.update({key: proxy for name in names for key in (name, name.lower())})
code = subprocess.call(sys.argv[2:], env=own)
sys.stderr.flush()
os._exit(code if code >= 0 else 128 - code)
`;
