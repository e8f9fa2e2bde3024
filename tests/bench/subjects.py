# SPDX-License-Identifier: Apache-2.0
"""The servers that are compared: how each is configured and started, and its processes.

All of them: one worker, mutual TLS 1.3 against the same authorities, no sessions to resume and no
tickets, no access log, and for each connection one to the same app (server.c), which speaks plain
TCP. The client offers one suite and one group, so that these are the same.
"""

import contextlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import time

APP_PORT = 7000
ADOPTED_PORT, RELAY_PORT, FALLBACK_PORT = 5061, 5062, 5063
IDLE_LIMIT = 43200  # s: no peer is to end an idle connection
FILES = min(65536, resource.getrlimit(resource.RLIMIT_NOFILE)[1])

NGINX = """\
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
worker_processes 1;
worker_rlimit_nofile {files};
pid {dir}/nginx-{port}.pid;
error_log {dir}/nginx.log error;
events {{ worker_connections 25000; }}
stream {{
    access_log off;
    server {{
        listen 127.0.0.1:{port} backlog=4096{ssl};
        proxy_pass 127.0.0.1:{app};
        proxy_timeout {idle}s;
{tls}    }}
}}
"""

NGINX_TLS = """\
        ssl_certificate {chain};
        ssl_certificate_key {key};
        ssl_client_certificate {ca};
        ssl_verify_client on;
        ssl_verify_depth 3;
        ssl_protocols TLSv1.3;
        ssl_ecdh_curve X25519;
        ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
        ssl_session_cache off;
        ssl_session_tickets off;
"""

HAPROXY = """\
global
    nbthread 1
    maxconn {most}
    tune.ssl.cachesize 0
    ssl-default-bind-options ssl-min-ver TLSv1.3 no-tls-tickets
    ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256
defaults
    mode tcp
    backlog 4096
    timeout connect 10s
    timeout client {idle}s
    timeout server {idle}s
frontend peers
    bind 127.0.0.1:{port} ssl crt {bundle} ca-file {ca} verify required curves X25519
    default_backend app
backend app
    server app 127.0.0.1:{app}
"""

STUNNEL = """\
foreground = yes
pid =
debug = err
output = {dir}/stunnel.log
[app]
accept = 127.0.0.1:{port}
connect = 127.0.0.1:{app}
cert = {chain}
key = {key}
CAfile = {ca}
verifyChain = yes
requireCert = yes
sslVersion = TLSv1.3
ciphersuites = TLS_AES_128_GCM_SHA256
curves = X25519
options = NO_TICKET
TIMEOUTidle = {idle}
"""

HITCH = """\
frontend = {{ host = "127.0.0.1" port = "{port}" }}
backend = "[127.0.0.1]:{app}"
pem-file = "{bundle}"
client-verify = required
client-verify-ca = "{ca}"
tls-protos = TLSv1.3
ciphersuites = "TLS_AES_128_GCM_SHA256"
ecdh-curve = "X25519"
workers = 1
backlog = 4096
daemon = off
log-level = 1
user = "nobody"
group = "nogroup"
"""

# what the configurations above have no word for: a TLS 1.3 server sends two sessions otherwise
OPENSSL = """\
openssl_conf = init
[init]
ssl_conf = modules
[modules]
system_default = all
[all]
NumTickets = 0
"""

LINEWARDEN = """\
identity {{
    certificate = "{chain}"
    key = "{key}"
}}
trust-store = "{trusted}"
ktls = {ktls}
user = "nobody"
group = "root"
workers = 1
watch-files = no
audit-log = "{dir}/audit-{name}.jsonl"
state-path = "{dir}"
pin-path = "{pins}"
run-path = "{run}"
cgroup = "{cgroup}"
"""

LINE = """\
line "{name}" {{
    function = sip-line
    port = {port}
    remote = {{ "127.0.0.0/8" }}
    level = high+remote
    sip-domains = {{ "example.test" }}
    resumption = no
    delivery = {delivery}
}}
"""


class Missing(Exception):
    """A subject that is not to be had here, and why."""


def children(pid):
    """The process and all below it."""
    parents = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as stat:
                parents.setdefault(int(stat.read().rpartition(")")[2].split()[1]), []).append(int(entry))
        except OSError:
            continue
    found, left = [], [pid]
    while left:
        found.append(left.pop())
        left += parents.get(found[-1], [])
    return found


def enter(cgroup):
    """For a child between fork() and exec(): its control group, and room for descriptors."""
    def prepare():
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
        if cgroup:
            with open(f"{cgroup}/cgroup.procs", "w") as procs:
                procs.write(str(os.getpid()))
    return prepare


def listens(port):
    """Somebody does, in this network namespace: no connection is made to find out."""
    with open("/proc/net/tcp") as table:
        return any(re.search(rf":{port:04X} \w+:0000 0A ", line) for line in table)


class Site:
    """Folder, certificates and started processes of one run with one identity."""

    def __init__(self, build, pki, identity, clients):
        self.build, self.identity = build, identity
        self.dir = f"{os.environ['STAGE_DIR']}/{identity}"
        self.processes, self.pins, self.mounts, self.log = [], [], [], None
        shutil.copytree(pki, self.dir)
        for name in os.listdir(self.dir):
            os.chown(f"{self.dir}/{name}", 0, 0)
        os.chmod(self.dir, 0o755)
        self.certificates = f"{self.dir}/{clients}-many.key"
        self.chain = f"{self.dir}/{clients}.pem"
        self.write("openssl.cnf", OPENSSL)
        self.write("bundle.pem", self.read(f"{identity}.pem") + self.read(f"{identity}.key"))
        self.write("trusted.pem", self.read("root.pem") + "".join(re.findall(
            "-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n",
            self.read(f"{clients}-many.key"), re.S)))

    def group(self, name):
        """A new control group. Each server and app is as deep as the others: at each switch of tasks
        every level of the hierarchy is accounted (PSI)."""
        path = f"{os.environ['STAGE_CGROUP']}/{self.identity}-{name}"
        os.makedirs(path)
        return path

    def read(self, name):
        with open(f"{self.dir}/{name}") as file:
            return file.read()

    def write(self, name, text):
        with open(f"{self.dir}/{name}", "w") as file:
            file.write(text)
        return f"{self.dir}/{name}"

    def fill(self, template, **more):
        return template.format(dir=self.dir, app=APP_PORT, idle=IDLE_LIMIT, files=FILES,
                               most=(FILES - 200) // 2,
                               chain=f"{self.dir}/{self.identity}.pem",
                               key=f"{self.dir}/{self.identity}.key", ca=f"{self.dir}/root.pem",
                               bundle=f"{self.dir}/bundle.pem", trusted=f"{self.dir}/trusted.pem",
                               **more)

    def start(self, command, ready, cgroup=None, environment=()):
        """Until ready() is true; a server that ends before is an error with its log."""
        self.log = log = f"{self.dir}/process-{len(self.processes)}.log"
        with open(log, "w") as out:
            process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                       cwd=self.dir, preexec_fn=enter(cgroup),
                                       env={**os.environ, **dict(environment)})
        self.processes.append(process)
        for _ in range(1200):
            if ready():
                return process
            if process.poll() is not None:
                break
            time.sleep(0.05)
        with open(log) as file:
            raise Missing(f"{command[0]} did not start: {file.read().strip()[-300:]}")

    def server(self, *ports, tls=False, cgroup=None, wrapper=()):
        command = [*wrapper, f"{self.build}/tests/bench/server"]
        if tls:
            command += ["--cert", f"{self.dir}/{self.identity}.pem", "--key",
                        f"{self.dir}/{self.identity}.key", "--ca", f"{self.dir}/root.pem"]
        # not by the port: where the daemon governs it, that has a listener of its own there
        return self.start(command + [f"127.0.0.1:{port}" for port in ports],
                          lambda: self.read(os.path.basename(self.log)) == "ready\n", cgroup)

    def stop(self):
        for process in reversed(self.processes):
            # a master before its workers, which it would start again
            for pid in children(process.pid):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            process.wait()
        for pins in self.pins:
            subprocess.run([f"{self.build}/tools/linewarden", "detach", "--pins", pins], check=False)
        for path in self.mounts:
            subprocess.run(["umount", path], check=False)
        self.processes, self.pins, self.mounts = [], [], []

    def memory(self, name):
        """A folder in memory, as /run is one."""
        path = f"{self.dir}/{name}"
        os.mkdir(path, 0o755)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", path], check=True)
        self.mounts.append(path)
        return path


class Subject:
    """name and port; plain: there is no TLS on it."""

    def __init__(self, name, port, cgroup, plain=False):
        self.name, self.port, self.cgroup, self.plain = name, port, cgroup, plain
        self.roots = []
        self.reload = None  # the command, where it is a daemon of ours with the file config
        self.audit = None  # its last line says why somebody was refused

    def why(self):
        """What the subject itself says of the last failure."""
        try:
            with open(self.audit or os.devnull) as file:
                last = json.loads(file.readlines()[-1])
        except (OSError, IndexError, ValueError):
            return ""
        return f" ({self.name}: {last.get('event')}, {last.get('reason')})"

    def cpu_time(self):
        """ns that its processes have run, and those that are gone."""
        with open(f"{self.cgroup}/cpu.stat") as stat:
            return 1000 * int(re.search(r"usage_usec (\d+)", stat.read()).group(1))

    def pids(self):
        return [pid for root in self.roots for pid in children(root)]


def floor(site, name, port, tls):
    subject = Subject(name, port, site.group(f"{name.replace(' ', '-')}/server"), not tls)
    subject.roots = [site.server(port, tls=tls, cgroup=subject.cgroup).pid]
    return subject


def peer(site, name, port, template, command, plain=False):
    program = shutil.which(command[0], path="/usr/sbin:/usr/bin:/sbin:/bin")
    if not program:
        raise Missing(f"{command[0]} is not installed")
    config = site.write(f"{name}-{port}.conf", site.fill(template, port=port))
    subject = Subject(name, port, site.group(f"{name.replace(' ', '-')}/server"), plain)
    words = [program] + [word.format(config=config, dir=site.dir) for word in command[1:]]
    subject.roots = [site.start(words, lambda: listens(port), subject.cgroup,
                                environment={"OPENSSL_CONF": f"{site.dir}/openssl.cnf"}).pid]
    return subject


def linewarden(site, name, ktls, lines):
    """A daemon with its keeper and apps in a control group of their own: {delivery: port}."""
    cgroup, own, apps = map(site.group, (name, f"{name}/daemon", f"{name}/apps"))
    run = site.memory(f"run-{name}")
    pins = f"{os.environ['STAGE_PINS']}-{name}-{site.identity}"
    site.pins.append(pins)
    text = site.fill(LINEWARDEN, name=name, ktls=ktls, run=run, pins=pins, cgroup=cgroup)
    text += "".join(LINE.format(name=f"{name}-{delivery}", delivery=delivery, port=port)
                    for delivery, port in lines.items())
    config = site.write(f"{name}.conf", text)
    roots = []
    if ktls == "require":
        keeper = [f"{site.build}/userspace/linewarden-keeper", "--run", run, "--group", "root",
                  "--user", "nobody"]
        roots.append(site.start(keeper, lambda: os.path.exists(f"{run}/keeper"), own).pid)
    tool = f"{site.build}/tools/linewarden"
    status = [tool, "status", "--run", run]
    daemon = site.start(
        [f"{site.build}/userspace/linewardend", "--config", config],
        lambda: subprocess.run(status, capture_output=True, check=False).returncode == 0, own)
    roots.append(daemon.pid)
    subjects = []
    for delivery, port in lines.items():
        adopts = delivery == "adopt"
        wrapper = (tool, "exec", "--run", run, "--") if adopts else ()
        site.server(port, cgroup=apps, wrapper=wrapper)
        subject = Subject({"adopt": "adopted", "relay": "relay"}[delivery]
                          if ktls == "require" else "fallback", port, own)
        subject.reload = [tool, "reload", "--run", run]
        subject.config = config
        subject.audit = f"{site.dir}/audit-{name}.jsonl"
        subject.roots = roots
        subjects.append(subject)
    return subjects


def kernel_tls():
    return os.path.exists("/sys/module/tls")


@contextlib.contextmanager
def without_kernel_tls():
    """In a guest of our own: nobody finds the module, nor has it loaded again."""
    loader = "/proc/sys/kernel/modprobe"
    if not kernel_tls():
        yield
        return
    with open(loader) as file:
        usual = file.read().strip()
    with open(loader, "w") as file:
        file.write("/bin/false")
    subprocess.run(["rmmod", "tls"], check=True)
    yield
    with open(loader, "w") as file:
        file.write(usual)
    subprocess.run(["modprobe", "tls"], check=True)


def start_all(site, told):
    """Every subject that can be had; told(name, reason) of those that cannot."""
    site.server(APP_PORT, cgroup=site.group("app/server"))
    subjects = [floor(site, "plain TCP", 7100, tls=False), floor(site, "OpenSSL loop", 7101, tls=True)]
    # a daemon finds out at its start whether this kernel has TLS
    with without_kernel_tls():
        subjects += linewarden(site, "userspace", "prefer", {"relay": FALLBACK_PORT})
    if kernel_tls():
        subjects += linewarden(site, "kernel", "require",
                               {"adopt": ADOPTED_PORT, "relay": RELAY_PORT})
    else:
        for name in ("adopted", "relay"):
            told(name, "this kernel has no TLS")
    nginx = ("nginx", "-c", "{config}", "-e", "{dir}/nginx.log")
    for name, port, template, command, plain in (
            ("nginx", 7001, NGINX.replace("{ssl}", " ssl").replace("{tls}", NGINX_TLS), nginx, False),
            ("haproxy", 7002, HAPROXY, ("haproxy", "-db", "-f", "{config}"), False),
            ("stunnel", 7003, STUNNEL, ("stunnel4", "{config}"), False),
            ("hitch", 7004, HITCH, ("hitch", "--config={config}"), False),
            # what passing the bytes on takes, before any TLS
            ("plain relay", 7102, NGINX.replace("{ssl}", "").replace("{tls}", ""), nginx, True)):
        try:
            subjects.append(peer(site, name, port, template, command, plain))
        except Missing as reason:
            told(name, str(reason))
    return subjects
