"""How each server is set up: one worker or event loop, no access log, kept connections.

Profiles: `hits` keeps all objects in memory (nginx in files, which stay in the page cache);
`disk` keeps next to none in memory; `small` is `hits` without TLS, for counting memory; `two` has
two workers.
"""

import os
import shutil
from pathlib import Path

from machine import free_port, write

NAMES = ["edge", "nginx", "varnish", "trafficserver", "h2o", "haproxy"]
ORIGIN_LIMITS = "worker_connections 4096; "


def workers(server):
    return 2 if server.profile == "two" else 1


def nginx_config(folder, http, count=1):
    user = "user root;" if os.geteuid() == 0 else ""
    return write(folder / "nginx.conf", f"""
{user} worker_processes {count}; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ {ORIGIN_LIMITS} }}
http {{
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 100000000;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  open_file_cache max=10000; open_file_cache_valid 60s;
  {http}
}}""")


def start_nginx_like(server, http):
    config = nginx_config(server.folder, http, workers(server))
    server.start(["nginx", "-e", server.folder / "error.log", "-c", config])


def start_origin(server, files):
    start_nginx_like(server, f"""
  server {{
    listen 127.0.0.1:{server.port} backlog=1024; root {files};
    location = /origin-status {{ stub_status; }}
    location / {{ add_header Cache-Control "max-age=86400"; default_type text/plain; }}
  }}""")


def start_nginx(server, setup):
    """nginx: proxy_cache at /; for misses its plain proxy_pass, and one with kept connections."""
    upstream = "proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection '';"
    plain, kept, tls, h2c = (free_port() for _ in range(4))
    server.ports |= {"miss-1k": plain, "miss-1k-kept": kept, "tls": tls, "h2c": h2c}
    server.store = server.folder / "cache"
    start_nginx_like(server, f"""
  upstream origin {{ server 127.0.0.1:{setup.origin.port}; keepalive 128;
                     keepalive_requests 100000000; }}
  proxy_cache_path {server.store} levels=1:2 keys_zone=main:200m max_size=8g inactive=1h
                   use_temp_path=off;
  ssl_protocols TLSv1.3; ssl_certificate {setup.certificate};
  ssl_certificate_key {setup.certificate_key};
  server {{
    listen 127.0.0.1:{server.port} backlog=1024;
    listen 127.0.0.1:{h2c} http2 backlog=1024; http2_max_requests 100000000;
    listen 127.0.0.1:{tls} ssl http2 backlog=1024;
    location / {{ {upstream} proxy_cache main; }}
  }}
  server {{
    listen 127.0.0.1:{plain} backlog=1024;
    location / {{ proxy_pass http://127.0.0.1:{setup.origin.port}; }}
  }}
  server {{
    listen 127.0.0.1:{kept} backlog=1024;
    location / {{ {upstream} }}
  }}""")


def start_varnish(server, setup):
    program = write(server.folder / "edge.vcl", f"""vcl 4.1;
backend origin {{ .host = "127.0.0.1"; .port = "{setup.origin.port}"; }}
""")
    # HTTP/2 in clear text on the same port; Varnish leaves TLS to others.
    server.ports["h2c"] = server.port
    server.start(["varnishd", "-F", "-n", server.folder / "work", "-f", program, "-T", "none",
                  "-a", f"127.0.0.1:{server.port}", "-s", "malloc,1g",
                  "-p", "thread_pools=1", "-p", "thread_pool_min=100", "-p", "feature=+http2"])


def start_trafficserver(server, setup):
    folder, tls = server.folder, free_port()
    for name in ("etc", "cache", "log", "run"):
        (folder / name).mkdir()
    packaged = Path("/etc/trafficserver")
    if packaged.is_dir():
        shutil.copytree(packaged, folder / "etc", dirs_exist_ok=True)
    write(folder / "etc/remap.config", f"map / http://127.0.0.1:{setup.origin.port}/\n")
    write(folder / "etc/storage.config", f"{folder}/cache 2G\n")
    shutil.copy(setup.certificate, folder / "etc/edge.pem")
    shutil.copy(setup.certificate_key, folder / "etc/edge.key")
    write(folder / "etc/ssl_multicert.config",
          "dest_ip=* ssl_cert_name=edge.pem ssl_key_name=edge.key\n")
    user = "" if os.geteuid() else "CONFIG proxy.config.admin.user_id STRING #-1\n"
    memory = "1M" if server.profile == "disk" else "1G"
    write(folder / "etc/records.config", f"""{user}
CONFIG proxy.config.http.server_ports STRING {server.port}:ip-in=127.0.0.1 \
{tls}:ssl:ip-in=127.0.0.1
CONFIG proxy.config.exec_thread.autoconfig INT 0
CONFIG proxy.config.exec_thread.limit INT {workers(server)}
CONFIG proxy.config.accept_threads INT 0
CONFIG proxy.config.task_threads INT 1
CONFIG proxy.config.cache.threads_per_disk INT 2
CONFIG proxy.config.cache.ram_cache.size INT {memory}
CONFIG proxy.config.http.cache.required_headers INT 0
CONFIG proxy.config.log.logging_enabled INT 0
CONFIG proxy.config.crash_log_helper STRING ""
CONFIG proxy.config.http.keep_alive_no_activity_timeout_in INT 120
CONFIG proxy.config.url_remap.remap_required INT 1
CONFIG proxy.config.ssl.server.cert.path STRING {folder}/etc
CONFIG proxy.config.ssl.server.private_key.path STRING {folder}/etc
CONFIG proxy.config.ssl.TLSv1_2 INT 0
CONFIG proxy.config.http2.max_settings_frames_per_minute INT 100000
CONFIG proxy.config.http2.min_avg_window_update FLOAT 0.0
""")
    layout = {
        "prefix": "/usr", "exec_prefix": "/usr", "bindir": "/usr/bin", "sbindir": "/usr/sbin",
        "sysconfdir": folder / "etc", "datadir": folder / "cache", "includedir": "/usr/include",
        "libdir": "/usr/lib/trafficserver", "libexecdir": "/usr/lib/trafficserver/modules",
        "localstatedir": folder / "run", "runtimedir": folder / "run", "logdir": folder / "log",
        "cachedir": folder / "cache",
    }
    root = write(folder / "runroot.yaml", "".join(f"{k}: {v}\n" for k, v in layout.items()))
    server.ports["tls"] = tls
    # It accepts connections before its cache is open.
    server.start(["traffic_server", f"--run-root={root}"], settle_seconds=2)


def start_h2o(server, setup):
    user = "user: root\n" if os.geteuid() == 0 else ""
    tls = free_port()
    server.ports |= {"tls": tls, "h2c": server.port}
    config = write(server.folder / "h2o.conf", f"""{user}num-threads: {workers(server)}
http2-reprioritize-blocking-assets: OFF
listen: {{ host: 127.0.0.1, port: {server.port} }}
listen:
  host: 127.0.0.1
  port: {tls}
  ssl:
    certificate-file: {setup.certificate}
    key-file: {setup.certificate_key}
    minimum-version: TLSv1.2
hosts:
  default:
    paths:
      /: {{ file.dir: {setup.files} }}
""")
    server.start(["h2o", "-m", "worker", "-c", config])


def start_haproxy(server, setup):
    """HAProxy: its cache is one shared block of at most 4095 MiB, an object at most half of it."""
    tls = free_port()
    server.ports |= {"tls": tls, "h2c": server.port}
    bundle = write(server.folder / "edge.pem", setup.certificate.read_text()
                   + setup.certificate_key.read_text())
    config = write(server.folder / "haproxy.cfg", f"""
global
  nbthread {workers(server)}
  maxconn 4096
  ssl-default-bind-options ssl-min-ver TLSv1.3
defaults
  mode http
  timeout connect 5s
  timeout client 120s
  timeout server 30s
  http-reuse always
cache main
  total-max-size 1024
  max-object-size 2097152
  max-age 86400
frontend front
  bind 127.0.0.1:{server.port}
  bind 127.0.0.1:{tls} ssl crt {bundle} alpn h2,http/1.1
  http-request cache-use main
  http-response cache-store main
  default_backend origin
backend origin
  server origin 127.0.0.1:{setup.origin.port} pool-max-conn 256
""")
    server.start(["haproxy", "-f", config])


def start_edge(server, setup):
    tls, admin = free_port(), free_port()
    server.ports |= {"tls": tls, "h2c": server.port, "admin": admin}
    secret = write(server.folder / "admin-password", f"{os.urandom(16).hex()}\n")
    secret.chmod(0o600)
    server.secret = secret.read_text().strip()
    disk, memory = "off", "{ size: 1 GiB }"
    if server.profile == "disk":
        server.store = server.folder / "store"
        disk = f"{{ path: {server.store}, size: 8 GiB }}"
        memory = "{ size: 4 MiB, largest: 64 KiB }"
    config = write(server.folder / "edge.conf", f"""listeners:
  - address: 127.0.0.1:{server.port}
  - address: 127.0.0.1:{tls}
    tls: {{ certificate: {setup.certificate}, key: {setup.certificate_key} }}
origins:
  files:
    servers: [http://127.0.0.1:{setup.origin.port}]
    pool: 128
routes:
  - match: /*
    origin: files
store:
  memory: {memory}
  disk: {disk}
  encryption: {"on" if setup.encryption else "off"}
admin:
  address: 127.0.0.1:{admin}
  users: [{{ name: bench, password_file: {secret} }}]
threads: {workers(server)}
log:
  access: off
""")
    server.start([setup.edge, "serve", "--config", config])


STARTERS = {
    "edge": start_edge, "nginx": start_nginx, "varnish": start_varnish,
    "trafficserver": start_trafficserver, "h2o": start_h2o, "haproxy": start_haproxy,
}

VERSIONS = {
    "nginx": ["nginx", "-v"], "varnish": ["varnishd", "-V"], "h2o": ["h2o", "-v"],
    "trafficserver": ["traffic_server", "-V"], "haproxy": ["haproxy", "-v"],
}
