"""The peer's side of the protocol (see bench/peer.ts), for peers in Python.

serve(name, prepare): prepare(task) returns a function that runs the task once, or None.
"""
import json
import math
import sys
import time


def serve(name, prepare):
    print(json.dumps({"name": name}), flush=True)
    samples = {}
    for line in sys.stdin:
        task = json.loads(line)["task"]
        key = json.dumps(task)
        try:
            if key not in samples:
                samples[key] = sampler(prepare(task))
            seconds = samples[key]()
        except Exception as error:  # a peer that fails has no figure; the run goes on
            samples[key] = lambda: None
            seconds = None
            print(f"{name}: {key}: {error}", file=sys.stderr)
        print(json.dumps({"seconds": seconds}), flush=True)


def sampler(run):
    """As bench/stopwatch.ts: batches of ten milliseconds, after three runs or half a second: nothing here is compiled on the way.

    What takes over two seconds is its own warm-up.
    """
    if run is None:
        return lambda: None

    def once():
        start = time.perf_counter()
        run()
        return time.perf_counter() - start

    last = once()
    if last > 2:
        first = [last]
        return lambda: first.pop() if first else once()
    spent, runs = last, 1
    while spent < 0.5 and (spent < 0.1 or runs < 3):
        last = once()
        spent += last
        runs += 1
    repeats = max(1, math.ceil(0.01 / last))

    def sample():
        start = time.perf_counter()
        for _ in range(repeats):
            run()
        return (time.perf_counter() - start) / repeats

    return sample


def absent(package):
    print(json.dumps({"skipped": f"{package} is not installed (Debian: python3-{package})"}), flush=True)
    sys.exit(0)
