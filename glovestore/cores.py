import os
def usable_cores() -> int:
    return len(os.sched_getaffinity(0))
