import subprocess
import sys

PROGRAM = """
import gc, sys, weakref
from normenc.garbage import collect_rarely

class Ring:
    def __init__(self):
        self.self = self

if sys.argv[1] == "rarely":
    collect_rarely()
    collect_rarely()
done = []
gc.callbacks.append(lambda phase, info: done.append(phase))
first = weakref.ref(Ring())
for _ in range(30_000):
    Ring()
print(first() is None, done.count("stop"))
"""


def collections(how: str) -> tuple[str, int]:
    command = [sys.executable, "-c", PROGRAM, how]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    gone, n = done.stdout.split()
    return gone, int(n)


def test_garbage_is_found_with_far_fewer_looks():
    (gone, often), (still_gone, rarely) = collections("as Python does"), collections("rarely")
    assert gone == still_gone == "True"
    assert 0 < rarely < often / 5
