"""Measures the stores: disk hits, fills, restart after a crash, memory and disk space an object.

Each group starts servers of its own, one after the other, in the profile that it needs.
"""

import base64
import os
import re
import time
import urllib.request

from load import run_once, run_wrk
from machine import Failure
from measure import check_bodies, measure
from scenarios import (DISK_OBJECT_BYTES, DISK_OBJECTS, FILL_OBJECT_BYTES, MIB, RANDOM,
                       SMALL_OBJECT_BYTES, Scenario, fixed)
from server import Server
from servers import STARTERS

# Which servers a group is for: Varnish, H2O and HAProxy have no store on disk here.
GROUPS = {
    "scaling": ["edge", "nginx", "varnish", "trafficserver", "h2o", "haproxy"],
    "disk": ["edge", "nginx", "trafficserver"],
    "fill": ["edge", "nginx", "trafficserver"],
    "memory": ["edge", "nginx", "varnish", "trafficserver", "haproxy"],
}
FILL_COUNT = 96
MEMORY_COUNT = 40000
SAMPLE = 200


def started(setup, name, profile, cores, register):
    server = Server(name, setup.folder, cores, profile)
    register(server)
    STARTERS[name](server, setup)
    return server


# Two workers on two cores


def scaling(setup, name, rounds, seconds, register):
    """Hits of two workers, in those of one.

    With four cores both are throughput. With fewer the load generator shares the workers' cores,
    so what counts is requests for a second of the server's CPU time: times two, what two cores
    would do that do nothing else.
    """
    scenario = Scenario("scale-2", "", "requests/s", script=fixed("/1k"), paths=["/1k"])
    has_room = len(setup.all_cores) >= 4
    values = {}
    for profile, cores in (("hits", setup.all_cores[:1]), ("two", setup.all_cores[:2])):
        server = started(setup, name, profile + "-scale" if profile == "hits" else profile, cores,
                         register)
        try:
            check_bodies(setup, server, scenario.paths)
            time.sleep(0.5)
            measure(setup, server, scenario, f"scale-{profile}-warm", 1, warm=False)
            runs = [measure(setup, server, scenario, f"scale-{profile}-{number}", seconds,
                            warm=False) for number in range(max(1, rounds))]
        finally:
            server.remove()
        key = "value" if has_room else "cpu_us_per_request"
        values[profile] = sorted(run[key] for run in runs)[len(runs) // 2]
    if has_room:
        value = values["two"] / values["hits"]
    else:
        value = 2 * values["hits"] / values["two"]
    yield "scale-2", {"value": value, "one": values["hits"], "two": values["two"],
                      "by": "throughput" if has_room else "CPU time a request"}


# Objects on disk


def disk(setup, name, rounds, seconds, register):
    server = started(setup, name, "disk", [setup.server_core], register)
    try:
        for measured in disk_measurements(setup, server, name, rounds, seconds):
            # While others are measured.
            server.pause()
            yield measured
            server.resume()
    finally:
        server.remove()


def disk_measurements(setup, server, name, rounds, seconds):
    yield from disk_hits(setup, server, rounds, seconds)
    yield from disk_space(setup, server)
    yield from restart(setup, server, name)


def random_reads(seed, path="/16k", objects=DISK_OBJECTS):
    return RANDOM.format(seed=seed, path=path, objects=objects)


def disk_hits(setup, server, rounds, seconds):
    """Fills the disk until what is asked for at random is there, then measures."""
    scenario = Scenario("disk-warm", "", "requests/s", connections=32, script=random_reads(1),
                        asked=(0, 0.02))
    run_once(setup, server.port, "/16k", DISK_OBJECTS, 32)
    deadline = time.monotonic() + 40
    while True:
        before = setup.origin_requests()
        requests = run_wrk(setup, server.port, scenario, "fill", 2)["requests"]
        share = (setup.origin_requests() - before) / requests
        if share <= 0.01:
            break
        if time.monotonic() > deadline:
            raise Failure(f"after 40 s {share:.1%} of the requests still go to the origin")
    settle(server)
    for number in range(rounds):
        scenario.script = random_reads(number + 2)
        yield "disk-warm", measure(setup, server, scenario, f"disk-{number}", seconds,
                                   warm=False)
    for _ in range(rounds):
        forget_pages(server)
        before = setup.origin_requests()
        result = run_once(setup, server.port, "/16k", DISK_OBJECTS, 32)
        asked = setup.origin_requests() - before
        if asked > DISK_OBJECTS * 0.02:
            raise Failure(f"the origin saw {asked} of {DISK_OBJECTS} requests")
        result["value"] = result["requests"] / result["seconds"]
        yield "disk-cold", result


def settle(server):
    """Waits until the server writes nothing more of its own accord."""
    written, quiet = server.written_bytes(), 0
    deadline = time.monotonic() + 15
    while quiet < 3 and time.monotonic() < deadline:
        time.sleep(0.5)
        now = server.written_bytes()
        quiet = quiet + 1 if now == written else 0
        written = now


def store_files(server):
    root = server.store or server.folder / "cache"
    for folder, _, names in os.walk(root):
        for name in names:
            yield os.path.join(folder, name)


def forget_pages(server):
    """Has the kernel forget the pages of the store's files."""
    for path in store_files(server):
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except OSError:
            continue
        try:
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def disk_space(setup, server):
    """Disk space and bytes written for a stored object. Traffic Server's file has a fixed size."""
    objects = DISK_OBJECTS
    if server.name == "edge":
        objects = metric(server, "edge_store_disk_objects")
    if not objects:
        raise Failure("no object is on disk")
    written = server.written_bytes()
    if server.name != "trafficserver":
        used = sum(os.stat(path).st_blocks * 512 for path in store_files(server))
        yield "disk-object", {"value": used / objects, "objects": objects}
    yield "write-amplification", {"value": written / (objects * DISK_OBJECT_BYTES),
                                  "objects": objects, "written": written}


def metric(server, name):
    """The sum of a metric's series, from the edge's admin listener."""
    request = urllib.request.Request(f"http://127.0.0.1:{server.ports['admin']}/metrics")
    token = base64.b64encode(f"bench:{server.secret}".encode()).decode()
    request.add_header("Authorization", f"Basic {token}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as response:
        text = response.read().decode()
    values = re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)
    return sum(map(float, values))


def restart(setup, server, name):
    """kill -9, the same command again: when the first object that was stored is answered without
    the origin, and how many of a sample of them are still there."""
    paths = [f"/16k?{number * (DISK_OBJECTS // SAMPLE)}" for number in range(SAMPLE)]
    time.sleep(2)
    server.kill()
    begun = time.monotonic()
    server.start(server.command)
    first = None
    while first is None and time.monotonic() - begun < 20:
        for path in paths[:20]:
            before = setup.origin_requests()
            server.get(path)
            if setup.origin_requests() == before:
                first = time.monotonic() - begun
                break
    if first is None:
        raise Failure("20 s after its restart the first 20 objects still came from the origin")
    # Objects that this loop has fetched anew count as kept; there are at most 20 of them.
    before = setup.origin_requests()
    for path in paths:
        server.get(path)
    lost = setup.origin_requests() - before
    yield "restart", {"value": first * 1000}
    yield "survive", {"value": 100 * (SAMPLE - lost) / SAMPLE}


# Filling


def fill(setup, name, rounds, seconds, register):
    for number in range(rounds):
        # What others have left to be written is not this one's.
        os.sync()
        server = started(setup, name, "disk", [setup.server_core], register)
        try:
            label = f"fill-{number}-"
            result = run_once(setup, server.port, "/4m", FILL_COUNT, 8, label)
            result["value"] = result["bytes"] / result["seconds"] / MIB
            settle(server)
            before = setup.origin_requests()
            run_once(setup, server.port, "/4m", FILL_COUNT, 8, label)
            result["stored"] = 1 - (setup.origin_requests() - before) / FILL_COUNT
            if result["stored"] < 0.9:
                raise Failure(f"only {result['stored']:.0%} of what was fetched is stored")
        finally:
            server.remove()
        yield "fill", result
    assert FILL_OBJECT_BYTES == 4 * MIB


# Memory


def memory(setup, name, rounds, seconds, register):
    """What the server's memory grows by for an object. nginx keeps its bodies in files."""
    server = started(setup, name, "small", [setup.server_core], register)
    try:
        # Whatever is set up at the first requests does not count as an object's.
        run_once(setup, server.port, "/400b", 2000, 64, "first-")
        time.sleep(0.5)
        before = server.memory_bytes()
        run_once(setup, server.port, "/400b", MEMORY_COUNT, 64)
        asked = setup.origin_requests()
        # Traffic Server takes into memory what is asked for a second time.
        run_once(setup, server.port, "/400b", MEMORY_COUNT, 64)
        asked = setup.origin_requests() - asked
        time.sleep(1)
        used = server.memory_bytes() - before
        if asked > MEMORY_COUNT * 0.01:
            raise Failure(f"{asked} of {MEMORY_COUNT} objects are not stored")
    finally:
        server.remove()
    yield "ram-object", {"value": used / MEMORY_COUNT, "body": SMALL_OBJECT_BYTES}


# Groups whose servers are measured in turn within a round.
ALTERNATING = {"disk", "fill"}
MEASURES = {"scaling": scaling, "disk": disk, "fill": fill, "memory": memory}
