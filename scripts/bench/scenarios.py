"""What is measured: the table of scenarios, and the scripts that wrk runs for them."""

from dataclasses import dataclass, field

KIB, MIB = 1024, 1024 * 1024
MIXED_OBJECTS = 1000
DISK_OBJECTS, DISK_OBJECT_BYTES = 4000, 16 * KIB
SMALL_OBJECT_BYTES = 400
FILL_OBJECT_BYTES = 4 * MIB


@dataclass
class Scenario:
    name: str
    title: str
    unit: str
    # Which of a server's ports is asked; a server without it takes no part.
    port: str = "http"
    connections: int = 64
    # wrk's script; None for h2load, and for what store.py measures.
    script: str | None = None
    # Objects that must be right, and hits, before measuring; without any, no server is left out.
    paths: list = field(default_factory=list)
    # For h2load: streams a connection, 0 for HTTP/1.1 through wrk.
    streams: int = 0
    # Whether H2O takes part, which serves files and proxies nothing here.
    with_h2o: bool = True
    # The least and the most share of requests that must reach the origin.
    asked: tuple = (0, 0.001)
    less_is_better: bool = False
    # The function of store.py that measures it; None for load on a running server.
    group: str | None = None


def fixed(path, delay=None):
    text = f'wrk.path = "{path}"\n'
    if delay is not None:
        text += f"function delay() return {delay} end\n"
    return text


# Every request has a query that was never sent before: `run` differs with each measurement.
MISSES = """
local count = 0
function request()
  count = count + 1
  return wrk.format("GET", "/1k?miss=" .. run .. "-" .. count)
end
"""

# Nine of ten requests for one of a thousand stored objects, the tenth for what nobody has stored.
MIXED = """
local count = 0
math.randomseed(1)
function request()
  count = count + 1
  if count % 10 == 0 then
    return wrk.format("GET", "/1k?mixed=" .. run .. "-" .. count)
  end
  return wrk.format("GET", "/mixed/" .. math.random(0, 999))
end
"""

# One of `objects` objects at random.
RANDOM = """
math.randomseed({seed})
function request()
  return wrk.format("GET", "{path}?" .. math.random(0, {objects} - 1))
end
"""

# `first` to `last` of a permutation of the objects, each once; ends wrk when all have come.
EACH_ONCE = """
local ffi = require("ffi")
ffi.cdef("typedef struct {{ long s; long us; }} edge_time; int gettimeofday(edge_time*, void*);")
local now = ffi.new("edge_time")
local function clock()
  ffi.C.gettimeofday(now, nil)
  return tonumber(now.s) + tonumber(now.us) / 1e6
end
local sent, come, bad, bytes, started = 0, 0, 0, 0, nil
function request()
  if not started then started = clock() end
  local index = (sent * {step}) % {objects}
  sent = sent + 1
  return wrk.format("GET", "{path}?{label}" .. index)
end
function response(status, headers, body)
  come = come + 1
  bytes = bytes + #body
  if status ~= 200 then bad = bad + 1 end
  if come == {objects} then
    io.write(string.format("EACH %d %.6f %d %d\\n", come, clock() - started, bytes, bad))
    io.flush()
    os.exit(0)
  end
end
"""

RESULT = """
function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    "RESULT %d %d %d %d %d %d %d\\n", summary.requests, summary.duration, summary.bytes,
    e.connect + e.read + e.write + e.timeout, e.status, latency:percentile(50),
    latency:percentile(99)))
end
"""

ONE, LARGE, HUGE = ["/1k"], ["/64k"], ["/1m"]
MIX = [f"/mixed/{number}" for number in range(MIXED_OBJECTS)]
MISS = {"script": MISSES, "with_h2o": False, "asked": (0.98, 1.02)}

SCENARIOS = [
    Scenario("hit-1k", "hits, 1 KiB", "requests/s", script=fixed("/1k"), paths=ONE),
    Scenario("hit-64k", "hits, 64 KiB", "requests/s", script=fixed("/64k"), paths=LARGE),
    Scenario("hit-1m", "hits, 1 MiB", "MiB/s", connections=16, script=fixed("/1m"), paths=HUGE),
    Scenario("paced-1k", "p99 of paced 1 KiB hits", "p99 µs", script=fixed("/1k", 8), paths=ONE,
             less_is_better=True),
    Scenario("h2-1k", "HTTP/2 hits, clear text, 1 KiB", "requests/s", port="h2c", connections=32,
             streams=10, paths=ONE),
    Scenario("tls-1k", "TLS 1.3, HTTP/1.1 hits, 1 KiB", "requests/s", port="tls",
             script=fixed("/1k"), paths=ONE),
    Scenario("tls-h2-1k", "TLS 1.3, HTTP/2 hits, 1 KiB", "requests/s", port="tls", connections=32,
             streams=10, paths=ONE),
    # nginx has a port for each of these three; the other servers do the same in all of them.
    Scenario("miss-1k", "misses, 1 KiB (nginx: proxy_pass)", "requests/s", **MISS),
    Scenario("miss-1k-kept", "misses, 1 KiB (nginx: proxy_pass with upstream keepalive)",
             "requests/s", **MISS),
    Scenario("miss-1k-stored", "misses, 1 KiB (nginx: proxy_cache with upstream keepalive)",
             "requests/s", **MISS),
    Scenario("mixed", "90 % hits, 10 % misses", "requests/s", script=MIXED, paths=MIX,
             with_h2o=False, asked=(0.08, 0.12)),
    Scenario("scale-2", "hits of two workers on two cores, in those of one", "times one worker",
             group="scaling"),
    Scenario("disk-warm", "disk hits, 16 KiB, page cache warm", "requests/s", group="disk"),
    Scenario("disk-cold", "disk hits, 16 KiB, page cache cold", "requests/s", group="disk"),
    Scenario("restart", "first stored object after kill -9", "ms", group="disk",
             less_is_better=True),
    Scenario("survive", "stored objects still hits after kill -9", "%", group="disk"),
    Scenario("disk-object", "disk space of a 16 KiB object", "bytes", group="disk",
             less_is_better=True),
    Scenario("write-amplification", "bytes written to disk for a byte stored", "times",
             group="disk", less_is_better=True),
    Scenario("fill", "misses of 4 MiB, stored on disk", "MiB/s", group="fill"),
    Scenario("ram-object", "memory of a stored object, 400 bytes of body", "bytes",
             group="memory", less_is_better=True),
]
