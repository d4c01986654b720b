"""The processes of the controller: made, started, killed, frozen, with a wrong clock, and a twin."""
import glob
import os
import shutil
import signal
import socket
import subprocess
import time

REALM = "CORP.EXAMPLE"
DOMAIN = "corp.example"
WORKGROUP = "CORP"
HOST = "dc1"
ADDRESS = "127.0.0.10"
ADMINISTRATOR_PASSWORD = "Adm1n-Test-Pass"
# A second name and address of the same controller, behind a front that can fail alone.
SECOND = "dc2"
SECOND_ADDRESS = "127.0.0.11"
# Where a twin runs that stands beside the true one.
TWIN_ADDRESS = "127.0.0.12"

PORTS = {"dns": 53, "kdc": 88, "ldap": 389, "kpasswd": 464, "ldaps": 636}
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
HERE = os.path.dirname(os.path.abspath(__file__))

CONFIGURATION = """[global]
    server role = active directory domain controller
    realm = {realm}
    workgroup = {workgroup}
    netbios name = {host}
    # With the /8: an address of the loopback interface alone is "no network interface" to samba.
    interfaces = {address}/8
    bind interfaces only = yes
    private dir = {folder}/private
    state directory = {folder}/state
    cache directory = {folder}/cache
    lock directory = {folder}
    binddns dir = {folder}/bind-dns
    pid directory = {folder}/run
    # Compiled into libwbclient, so in no other place; it is this name space's own.
    winbindd socket directory = /run/samba/winbindd
    ntp signd socket directory = {folder}/run/ntp_signd
    ncalrpc dir = {folder}/run/ncalrpc
    log file = {folder}/log/samba.log
    log level = 1 auth_audit:3
    max log size = 0
    tls enabled = yes
    tls keyfile = {folder}/tls/key.pem
    tls certfile = {folder}/tls/certificate.pem
    tls cafile = {folder}/tls/ca.pem
    dns forwarder =
    dns update command = /bin/true
    server services = -nbt -wrepl -ntp_signd -kcc -drepl -dnsupdate
    disable netbios = yes
    load printers = no
    printcap name = /dev/null
    idmap_ldb:use rfc2307 = yes
[sysvol]
    path = {folder}/state/sysvol
    read only = no
[netlogon]
    path = {folder}/state/sysvol/{domain}/scripts
    read only = no
"""


class Running:
    """A samba in a name space of its own, in which its data lies on the common folder."""

    def __init__(self, data, folder, environment):
        for name in ("/run/samba", "/var/log/samba"):
            os.makedirs(name, exist_ok=True)
        script = ('mount --bind "$1" "$2" && mount -t tmpfs -o mode=755 dc /run/samba'
                  ' && mkdir -m 755 /run/samba/winbindd && shift 2 && exec env "$@"')
        with open(data + "/log/stdout", "ab") as output:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", data,
                 folder, *("%s=%s" % pair for pair in environment.items()),
                 "samba", "--foreground", "--configfile=" + folder + "/etc/smb.conf"],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env=ENVIRONMENT, start_new_session=True)
        self.space = None
        self.data = data

    def wait_until_it_answers(self, address, patience=30):
        end = time.monotonic() + patience
        while not all(answers(address, port) for port in PORTS.values()) or not speaks(address):
            if self.process.poll() is not None or time.monotonic() > end:
                with open(self.data + "/log/stdout", errors="replace") as file:
                    raise RuntimeError("the controller did not come up: " + file.read()[-2000:])
            time.sleep(0.05)

    def lives(self):
        return self.process.poll() is None

    def signal(self, number):
        """Send it to every process of this one, known by their name space. How many?"""
        sent = 0
        for process in self.processes():
            try:
                os.kill(process, number)
                sent += 1
            except ProcessLookupError:
                pass
        return sent

    def kill(self):
        # Again and again: a process may be born while the others die.
        while self.signal(signal.SIGKILL):
            time.sleep(0.02)
        self.process.wait()
        for name in glob.glob(self.data + "/run/*.pid"):
            os.unlink(name)

    def processes(self):
        try:
            self.space = os.readlink("/proc/%d/ns/mnt" % self.process.pid)
        except OSError:
            pass  # the first one has ended, and others may be left
        if self.space == os.readlink("/proc/self/ns/mnt"):
            return [self.process.pid]  # not yet in a name space of its own
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink("/proc/%s/ns/mnt" % name) == self.space and state(name) != "Z":
                    found.append(int(name))
            except OSError:
                pass
        return found


class Server:
    def __init__(self, folder):
        self.folder = folder
        self.twin = folder + "-twin"
        self.running = []
        self.front = None
        self.heard = folder + "/run/heard"
        # Whether the true one runs, with the right time.
        self.is_true = False

    # ------------------------------------------------------------ made once

    def provision(self):
        """Make the domain, unless it is there. Six seconds."""
        if os.path.exists(self.folder + "/ready"):
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder + "/etc", mode=0o755)
        # Not the distribution's smb.conf: its settings would be merged into this one's.
        empty = self.folder + "/etc/empty.conf"
        open(empty, "w").close()
        self.call("provision", [
            "samba-tool", "domain", "provision", "--configfile=" + empty,
            "--targetdir=" + self.folder, "--server-role=dc", "--realm=" + REALM,
            "--domain=" + WORKGROUP, "--host-name=" + HOST, "--host-ip=" + ADDRESS,
            "--adminpass=" + ADMINISTRATOR_PASSWORD, "--dns-backend=SAMBA_INTERNAL",
            "--use-rfc2307", "--option=interfaces=%s/8" % ADDRESS,
            "--option=bind interfaces only=yes",
        ])
        self.certificates()
        with open(self.folder + "/etc/smb.conf", "w") as file:
            file.write(CONFIGURATION.format(
                realm=REALM, workgroup=WORKGROUP, host=HOST.upper(), address=ADDRESS,
                folder=self.folder, domain=DOMAIN))
        for name in ("run", "log"):
            os.makedirs("%s/%s" % (self.folder, name), exist_ok=True)
        open(self.folder + "/ready", "w").close()

    def certificates(self):
        """An authority, and a certificate with the names and addresses: samba's own has none."""
        tls = self.folder + "/tls"
        os.makedirs(tls, exist_ok=True)
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        names = ["DNS:%s.%s" % (HOST, DOMAIN), "DNS:%s.%s" % (SECOND, DOMAIN), "DNS:" + DOMAIN,
                 "IP:" + ADDRESS, "IP:" + SECOND_ADDRESS]
        with open(tls + "/extensions", "w") as file:
            file.write("subjectAltName=%s\nextendedKeyUsage=serverAuth\n" % ",".join(names))
        self.call("authority", [
            "openssl", "req", "-x509", *key, "-days", "3650", "-subj", "/CN=Test CA",
            "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign",
            "-keyout", tls + "/ca.key", "-out", tls + "/ca.pem"])
        self.call("request", [
            "openssl", "req", *key, "-subj", "/CN=%s.%s" % (HOST, DOMAIN),
            "-keyout", tls + "/key.pem", "-out", tls + "/request.pem"])
        self.call("certificate", [
            "openssl", "x509", "-req", "-in", tls + "/request.pem", "-CA", tls + "/ca.pem",
            "-CAkey", tls + "/ca.key", "-CAcreateserial", "-days", "3650",
            "-out", tls + "/certificate.pem", "-extfile", tls + "/extensions"])
        os.chmod(tls + "/key.pem", 0o600)

    @staticmethod
    def call(what, command):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env=ENVIRONMENT, check=False)
        if done.returncode != 0:
            raise RuntimeError("%s: %s" % (what, done.stdout.decode(errors="replace")[-2000:]))

    # ------------------------------------------------------------ started and stopped

    def do_start(self, offset=None, data=None):
        """Start it, and wait until it answers. `offset`: how many seconds its clock is wrong."""
        self.provision()
        self.kill()
        environment = dict(ENVIRONMENT)
        if offset:
            # Only the wall clock: with the other one wrong as well its timers would stand still.
            environment.update(LD_PRELOAD=faketime(), FAKETIME="%+d" % offset,
                               FAKETIME_DONT_FAKE_MONOTONIC="1", DONT_FAKE_MONOTONIC="1")
        self.run(data or self.folder, ADDRESS, environment)
        self.is_true = not offset and data is None

    def run(self, data, address, environment):
        running = Running(data, self.folder, environment)
        self.running.append(running)
        running.wait_until_it_answers(address)

    def do_calm(self):
        """Whatever was done to it, undone."""
        self.do_front("dead")
        if self.is_true and len(self.running) == 1 and self.running[0].lives():
            self.do_thaw()
        else:
            self.do_start()

    def do_stop(self):
        """As a power cut: what it had told is kept, and nobody says goodbye."""
        self.kill()

    def do_freeze(self):
        """It takes connections and never answers."""
        self.signal(signal.SIGSTOP)

    def do_thaw(self):
        self.signal(signal.SIGCONT)

    def signal(self, number):
        for running in self.running:
            running.signal(number)

    def kill(self):
        self.is_true = False
        self.do_front("dead")
        for running in self.running:
            running.kill()
        self.running = []

    # ------------------------------------------------------------ a false twin

    def do_twin(self, passwords=(), expired=(), hosts=(), kerberos_alone=False):
        """Stop the true one and put a twin in its place: the same names, addresses, identifiers
        and accounts, but other keys, and for these accounts the passwords of whoever made it.

        `expired`: those whose password must be changed, at the twin. `kerberos_alone`: the true
        one goes on, and the twin runs beside it, for a front that leads to both."""
        self.kill()
        shutil.rmtree(self.twin, ignore_errors=True)
        # A plain copy would lose what samba keeps in extended attributes.
        self.call("copy", ["cp", "-a", self.folder, self.twin])
        from accounts import Accounts
        twin = Accounts(self.twin)
        for host in ("krbtgt", *hosts):
            twin.forge(host)
        twin.forge_controller()
        for name, password in dict(passwords).items():
            twin.do_set(name=name, password=password, keep=True)
        for name in expired:
            twin.do_set(name=name, must_change=True)
        if not kerberos_alone:
            self.do_start(data=self.twin)
            return
        path = self.twin + "/etc/smb.conf"
        with open(path) as file:
            text = file.read()
        with open(path, "w") as file:
            file.write(text.replace("interfaces = %s/8" % ADDRESS, "interfaces = %s/8" % TWIN_ADDRESS))
        self.do_start()
        self.run(self.twin, TWIN_ADDRESS, ENVIRONMENT)
        self.is_true = False

    # ------------------------------------------------------------ a second address

    def do_front(self, mode="open", delay=0):
        """The front of the second address: "open", "dead" (nobody listens), "frozen", or "false":
        for Kerberos and changes of passwords it leads to the twin, and else to the true one;
        "mute": what is asked of the password service arrives, and its answer does not;
        "closed": the password service is not there.
        `delay`: how many milliseconds each packet takes longer."""
        if self.front:
            self.front.kill()
            self.front.wait()
            self.front = None
        if mode == "dead":
            return
        ways = {port: ADDRESS for port in PORTS.values()}
        if mode == "false":
            ways.update({PORTS["kdc"]: TWIN_ADDRESS + "?", PORTS["kpasswd"]: TWIN_ADDRESS})
        if mode == "mute":
            ways[PORTS["kpasswd"]] += "!"
        if mode == "closed":
            del ways[PORTS["kpasswd"]]
        self.front = subprocess.Popen(
            ["/usr/bin/python3", HERE + "/front.py", SECOND_ADDRESS, str(delay), self.heard,
             *("%d=%s" % way for way in ways.items())],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=ENVIRONMENT)
        if not self.front.stdout.readline():
            raise RuntimeError("the front did not come up")
        if mode == "frozen":
            self.front.send_signal(signal.SIGSTOP)

    def do_heard(self, name):
        """Whether Kerberos of the twin was asked about somebody since the front leads there."""
        with open(self.heard, "rb") as file:
            return name.encode() in file.read()

    def do_log(self, start=0):
        """What the controller has logged, one line for each attempt to prove who one is."""
        with open(self.folder + "/log/samba.log", errors="replace") as file:
            file.seek(start)
            text = file.read()
            return {"end": file.tell(), "text": text}


def state(process):
    with open("/proc/%s/stat" % process) as file:
        return file.read().rpartition(")")[2].split()[0]


def answers(address, port):
    try:
        socket.create_connection((address, port), 1).close()
        return True
    except OSError:
        return False


def speaks(address):
    """Whether LDAP answers: an anonymous search of the root."""
    from bind import bind
    try:
        return bind(address, "", "") == ""
    except OSError:
        return False


def faketime():
    found = sorted(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1"))
    if not found:
        raise RuntimeError("the package libfaketime is not installed")
    return found[0]
