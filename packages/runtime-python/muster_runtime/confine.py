"""Gives up what a model must not have, then becomes the program that runs it.

    python -I -S confine.py '{"read": [...], ...}' -- command argument ...
    python -I -S confine.py --abi

Started without `site`: packages of an environment may run code of their own when an interpreter starts (`.pth` files),
and nothing of theirs may run before this. What is given up here stays given up in the command and all that it starts.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from typing import Any, Sequence

# System calls have these numbers on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_CREATE_VERSION = 1
_RULE_PATH_BENEATH = 1
_CHILD_SUBREAPER, _NO_NEW_PRIVILEGES = 36, 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_MAKE_DEVICES = 1 << 6 | 1 << 11
_REFER, _TRUNCATE, _IOCTL_DEVICE = 1 << 13, 1 << 14, 1 << 15
# The rights of the first version of Landlock; later ones added one each.
_FIRST_RIGHTS = (1 << 13) - 1
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE
_READING = _EXECUTE | _READ_FILE | _READ_DIR
_BIND_AND_CONNECT_TCP = 1 << 0 | 1 << 1
_ABSTRACT_SOCKETS_AND_SIGNALS = 1 << 0 | 1 << 1

# What an interpreter and numeric libraries read on any system. Of /etc, nothing that may hold a secret.
_SYSTEM = (
    "/usr /bin /sbin /lib /lib32 /lib64 /libx32 /nix/store /etc/ld.so.cache /etc/ld.so.conf /etc/ld.so.conf.d "
    "/etc/localtime /etc/timezone /etc/alternatives /etc/passwd /etc/group /etc/nsswitch.conf /etc/mime.types "
    "/etc/os-release /etc/ssl/openssl.cnf /proc/self /proc/cpuinfo /proc/meminfo /proc/stat /proc/loadavg "
    "/proc/version /proc/filesystems /proc/sys/vm/overcommit_memory /proc/sys/kernel/random /sys/devices/system/cpu "
    "/sys/devices/system/node /sys/kernel/mm/transparent_hugepage /dev/random /dev/urandom "
    # Libraries count processors by these, and fail where a file that is there may not be read.
    "/sys/fs/cgroup/cpu.max /sys/fs/cgroup/cpuset.cpus.effective /sys/fs/cgroup/memory.max "
    "/sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us"
).split()
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full")


def abi() -> int:
    """The version of Landlock that this kernel has; 0 without one."""
    try:
        return max(0, _system_call(_CREATE_RULESET, None, _size(0), _flags(_CREATE_VERSION)))
    except (OSError, ImportError, AttributeError):
        return 0


def apply(wish: dict[str, Any]) -> int:
    """
    Sets limits, then Landlock as far as this kernel has it; answers its version.

    `read`: files and folders that may be read and executed, besides the system's; `write`: those that may be changed
    too, and hold nothing to execute;
    `limits`: of `setrlimit`, by name, each at most what is allowed already; `landlock`: `no`, `may` or `must`;
    `adopts`: whether processes that lose their parent become children of this one, where they are found.
    """
    if wish.get("adopts"):
        _adopt()
    _set_limits(wish.get("limits") or {})
    how = wish.get("landlock", "may")
    version = 0 if how == "no" else abi()
    if how == "must" and version == 0:
        raise OSError("this kernel has no Landlock")
    if version > 0:
        _restrict(version, wish.get("read") or [], wish.get("write") or [])
    return version


def _adopt() -> None:
    try:
        import ctypes

        ctypes.CDLL(None).prctl(_CHILD_SUBREAPER, 1, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        pass  # they are counted less well


def _set_limits(limits: dict[str, int]) -> None:
    import resource

    for name, value in limits.items():
        kind = getattr(resource, "RLIMIT_" + name.upper(), None)
        if kind is None:
            continue
        hard = resource.getrlimit(kind)[1]
        wanted = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (wanted, wanted))


def _restrict(version: int, read: Sequence[str], write: Sequence[str]) -> None:
    import ctypes
    import struct

    rights = _FIRST_RIGHTS
    rights |= _REFER if version >= 2 else 0
    rights |= _TRUNCATE if version >= 3 else 0
    rights |= _IOCTL_DEVICE if version >= 5 else 0
    attributes = struct.pack("<Q", rights)
    if version >= 4:
        attributes += struct.pack("<Q", _BIND_AND_CONNECT_TCP)
    if version >= 6:
        attributes += struct.pack("<Q", _ABSTRACT_SOCKETS_AND_SIGNALS)
    ruleset = _system_call(_CREATE_RULESET, ctypes.c_char_p(attributes), _size(len(attributes)), _flags(0))
    try:
        for path in (*_SYSTEM, *read):
            _allow(ruleset, path, _READING)
        for path in _DEVICES:
            _allow(ruleset, path, _READ_FILE | _WRITE_FILE | rights & _TRUNCATE)
        for path in write:
            _allow(ruleset, path, rights & ~(_MAKE_DEVICES | _EXECUTE))
        library = ctypes.CDLL(None, use_errno=True)
        if library.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
        _system_call(_RESTRICT_SELF, ctypes.c_int(ruleset), _flags(0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    import ctypes
    import struct

    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there need not be allowed
    try:
        if not stat.S_ISDIR(os.fstat(opened).st_mode):
            rights &= _OF_FILES
        rule = struct.pack("<Qi", rights, opened)
        kind = ctypes.c_int(_RULE_PATH_BENEATH)
        _system_call(_ADD_RULE, ctypes.c_int(ruleset), kind, ctypes.c_char_p(rule), _flags(0))
    finally:
        os.close(opened)


def _system_call(number: int, *arguments: Any) -> int:
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    answer = library.syscall(ctypes.c_long(number), *arguments)
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return int(answer)


def _size(count: int) -> Any:
    import ctypes

    return ctypes.c_size_t(count)


def _flags(bits: int) -> Any:
    import ctypes

    return ctypes.c_uint32(bits)


def main(arguments: Sequence[str]) -> None:
    """Runs the command that follows `--`, confined; ends with 126 where that did not work."""
    if list(arguments) == ["--abi"]:
        print(abi(), os.path.realpath(sys.executable))
        return
    try:
        wish = json.loads(arguments[0])
        command = list(arguments[arguments.index("--") + 1 :])
        apply(wish)
        os.execv(command[0], command)
    except (OSError, ValueError, IndexError) as thrown:
        print("the cage could not be closed: " + str(thrown), file=sys.stderr)
        raise SystemExit(126) from None


if __name__ == "__main__":
    main(sys.argv[1:])
