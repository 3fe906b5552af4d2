"""Tests of what only POSIX or only Linux has are skipped elsewhere, and do not keep the others from being collected."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
OS = """chown fchmod fork forkpty getegid geteuid getgid getloadavg getpgid getuid killpg mkfifo nice openpty
sched_getaffinity setegid seteuid setgid setgroups setsid setuid statvfs sysconf uname wait waitid WEXITSTATUS WIFEXITED
WIFSIGNALED WTERMSIG"""
SIGNAL = """ITIMER_REAL SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGUSR1 SIGUSR2 SIGXFSZ alarm
pause pthread_sigmask setitimer sigwait"""
NAMES = {*(f"os.{name}" for name in OS.split()), *(f"signal.{name}" for name in SIGNAL.split()), "socket.AF_UNIX"}
IMPORTED = rf"(?:import|from) (?:\w+, )*(?:{'|'.join(sorted(MODULES))})\b"
ANY = re.compile("|".join([*map(re.escape, sorted(NAMES)), "send_signal", IMPORTED]))
Function = ast.FunctionDef | ast.Lambda


def uses(node: ast.AST, within: Function | None = None) -> Iterator[tuple[str, int, Function | None]]:
    """What Windows has not, its line, and the outermost function in whose body it stands."""
    match node:
        case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
            return  # a program of its own
        case ast.Import(names=names):
            yield from ((one.name, node.lineno, within) for one in names if one.name in MODULES)
        case ast.ImportFrom(module=module) if module in MODULES:
            yield str(module), node.lineno, within
        case ast.Attribute(value=ast.Name(id=name)) if f"{name}.{node.attr}" in NAMES:
            yield f"{name}.{node.attr}", node.lineno, within
        case ast.Attribute(attr="send_signal"):
            yield "send_signal", node.lineno, within
    body = node.body if isinstance(node, ast.FunctionDef) else [node.body] if isinstance(node, ast.Lambda) else []
    for child in ast.iter_child_nodes(node):
        yield from uses(child, within or node if child in body else within)


def faults(text: str, *, is_test: bool) -> list[str]:
    """Lines that fail on Windows: when a module is imported, or in a test or fixture that is not skipped there.

    A test or fixture is skipped where it asks for the fixture `posix`, or for `largest_file`; a helper of tests may use
    what it likes if some test of its module asks for it.
    """
    tree, found = ast.parse(text), []
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    asking = {one.name for one in functions if {"posix", "largest_file"} & {each.arg for each in one.args.args}}
    for name, line, within in uses(tree):
        if within is not None:
            source, own = ast.unparse(within), getattr(within, "name", "lambda")
            is_own = own.startswith("test_") or "fixture" in source.partition("def ")[0]
            looks = f"hasattr({name.replace('.', ', ' + chr(39))}{chr(39)})" in source
            if not is_test or looks or own in asking or (asking and not is_own):
                continue
        found.append(f"line {line}: {name}")
    return found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import resource", ["line 1: resource"]),
        ("import os\n@mark(os.mkfifo)\ndef test_it(posix): ...", ["line 2: os.mkfifo"]),
        ("def test_it(x=signal.SIGHUP): ...", ["line 1: signal.SIGHUP"]),
        ("class A:\n    b = os.fork", ["line 2: os.fork"]),
        ("def test_it(tmp_path):\n    import pwd\n    process.send_signal(2)", ["line 2: pwd", "line 3: send_signal"]),
        ("def test_it(posix):\n    os.kill(pid, signal.SIGKILL)", []),
        ("def test_it():\n    if hasattr(os, 'getuid'):\n        os.getuid()", []),
        ("def helper():\n    os.fork()\ndef test_it(posix): ...", []),
        ("def helper():\n    os.fork()\ndef test_it(): ...", ["line 2: os.fork"]),
        ("@mark(lambda: os.fork())\ndef test_it(posix): ...", []),
    ],
)
def test_faults_are_found(text, found):
    assert faults(text, is_test=True) == found


def test_no_test_needs_posix_unasked():
    found = {}
    for path in TESTS.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if ANY.search(text) and path != Path(__file__):
            own = faults(text, is_test=path.name.startswith("test_") or path.name == "conftest.py")
            found |= {path.relative_to(TESTS).as_posix(): own} if own else {}
    assert found == {}
