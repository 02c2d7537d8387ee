"""W, the elastic pool, in SimPy: every instance is a process.

Usage: w_simpy.py TASKS SEED

The model is stated in src/w.rs. Times are seconds, as SimPy's users write them, and draws come from
the standard library's `random`. Prints one JSON line: what it cost and what it found.
"""

import json
import math
import random
import sys
import time
from collections import deque

import simpy

TICK = 60.0
IDLE_TIMEOUT = 600.0
CAPACITY_MAX = 5000
SERVICE_MU, SERVICE_SIGMA = math.log(600.0) - 0.5, 1.0
BOOT_MU, BOOT_SIGMA = math.log(120.0) - 0.125, 0.5


class Pool:
    def __init__(self, env, tasks, seed):
        self.env = env
        self.random = random.Random(seed)
        self.tasks = tasks
        self.queue = deque()
        self.idle = []
        self.starting = self.busy = 0
        self.finished = self.launches = self.terminations = self.ticks = 0
        self.instance_seconds = 0.0
        self.waits = []
        env.process(self.arrivals())
        env.process(self.iterations())

    def arrivals(self):
        for _ in range(self.tasks):
            yield self.env.timeout(self.random.expovariate(1.0))
            task = (self.env.now, self.random.lognormvariate(SERVICE_MU, SERVICE_SIGMA))
            if self.idle:
                self.idle.pop().succeed(task)
            else:
                self.queue.append(task)

    def iterations(self):
        while True:
            yield self.env.timeout(TICK)
            if self.finished == self.tasks:
                return
            self.ticks += 1
            desired = min(len(self.queue) + self.busy, CAPACITY_MAX)
            for _ in range(desired - (self.starting + len(self.idle) + self.busy)):
                self.starting += 1
                self.launches += 1
                self.env.process(self.instance())

    def instance(self):
        env = self.env
        launched = env.now
        yield env.timeout(self.random.lognormvariate(BOOT_MU, BOOT_SIGMA))
        self.starting -= 1
        while True:
            if self.queue:
                task = self.queue.popleft()
            else:
                task = yield self.claim()
                if task is None:
                    break
            arrived, service = task
            self.waits.append(env.now - arrived)
            self.busy += 1
            yield env.timeout(service)
            self.busy -= 1
            self.finished += 1
        self.terminations += 1
        self.instance_seconds += env.now - launched

    def claim(self):
        """An event with a task, or with None after the idle timeout.

        Waiting for `claim | timeout` instead reads a little better and takes a third longer.
        """
        claim = self.env.event()
        self.idle.append(claim)

        def expire(_):
            if not claim.triggered:
                self.idle.remove(claim)
                claim.succeed(None)

        self.env.timeout(IDLE_TIMEOUT).callbacks.append(expire)
        return claim


def main():
    tasks, seed = int(sys.argv[1]), int(sys.argv[2])
    before = time.process_time()
    env = simpy.Environment()
    pool = Pool(env, tasks, seed)
    env.run()
    waits = sorted(pool.waits)
    assert len(waits) == pool.finished == tasks, "every task starts and finishes once"
    result = {
        "mean_wait_s": sum(waits) / tasks,
        "p95_wait_s": waits[math.ceil(0.95 * tasks) - 1],
        "launches": float(pool.launches),
        "instance_hours": pool.instance_seconds / 3600.0,
        "events": 2 * tasks + pool.launches + pool.ticks + pool.terminations,
    }
    cpu_s = time.process_time() - before
    json.dump({"cpu_s": cpu_s, "peak_kb": peak_kb(), "events": result["events"], "w": result}, sys.stdout)
    print()


def peak_kb():
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main()
