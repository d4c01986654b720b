"""Hosts of one domain, each a name space of mounts and a host name inside tests/sandbox: its own
/etc, /tmp, /var/log, /dev/log, and what Samba, SSSD and domlogon keep on a disk."""
import glob
import os
import pwd
import shutil
import signal
import subprocess
import time

from server import ADDRESS, ADMINISTRATOR_PASSWORD, DOMAIN, HOST, REALM, WORKGROUP

ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8",
               "TZ": "UTC"}
RESOLVER = "nameserver %s\nsearch %s\noptions timeout:1 attempts:2\n" % (ADDRESS, DOMAIN)
KERBEROS = """[libdefaults]
  default_realm = {realm}
  dns_lookup_realm = false
  dns_lookup_kdc = false
  rdns = false
  dns_canonicalize_hostname = false
  {more}
[realms]
  {realm} = {{
    kdc = {address}
    kpasswd_server = {address}:464
    admin_server = {address}
  }}
[domain_realm]
  .{domain} = {realm}
  {domain} = {realm}
"""
# Services that are tried; each has one line for each kind, with one module.
SERVICES = ("login", "sshd", "passwd")
STARTING = 20


class Host:
    """One of them. What is below `base` is its own: kept on whatever disk that lies on."""
    # Folders that are its own. True: those inside are made as they are in the package.
    PRIVATE = {"/run/samba": False, "/run/domlogon": False, "/var/lib/samba": True,
               "/var/cache/samba": True, "/var/lib/sss": True, "/var/lib/domlogon": False,
               "/var/log": False, "/tmp": False}

    def __init__(self, name, base):
        self.name = name
        self.full = "%s.%s" % (name, DOMAIN)
        self.folder = "%s/%s" % (base, name)
        self.etc = self.folder + "/etc"
        self.logged = {}
        os.makedirs(self.folder)
        self.write_etc()
        self.begin()

    def write_etc(self):
        shutil.copytree("/etc", self.etc, symlinks=True)
        self.write("/etc/hostname", self.name + "\n")
        self.write("/etc/hosts", "127.0.0.1 localhost\n%s %s.%s %s\n127.0.0.1 %s %s\n" % (
            ADDRESS, HOST, DOMAIN, HOST, self.full, self.name))
        self.write("/etc/resolv.conf", RESOLVER)
        self.write("/etc/krb5.conf", KERBEROS.format(
            realm=REALM, domain=DOMAIN, address=ADDRESS, more=""))

    def write(self, path, text, mode=0o644):
        path = self.folder + path
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)

    def begin(self):
        script = ["set -e", "hostname " + self.name, "mount --bind %s /etc" % self.etc]
        for place, with_folders in self.PRIVATE.items():
            place = os.path.realpath(place)
            own = self.folder + place
            # What lies below "base" would be covered, if that lies in /tmp.
            if self.folder.startswith(place + "/"):
                continue
            if not os.path.isdir(place):
                if not place.startswith("/run/"):
                    continue
                os.makedirs(place)
            folders(place, own, with_folders)
            script.append("mount --bind %s %s" % (own, place))
        os.chmod(self.folder + "/tmp", 0o1777)
        for name in ("samba", "sssd"):
            os.makedirs("%s/var/log/%s" % (self.folder, name))
        log = self.folder + "/log-socket"
        syslog = "%s/sandbox-syslogd" % os.environ["DOMLOGON_BUILT"]
        self.logger = subprocess.Popen([syslog, log, self.folder + "/var/log/syslog"])
        until(lambda: os.path.exists(log), "the log of " + self.name)
        script += ["mount --bind %s /dev/log" % log, "echo good", "exec sleep infinity"]
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "--uts", "--propagation", "private", "sh", "-c",
             "\n".join(script)], stdout=subprocess.PIPE, env=ENVIRONMENT)
        if self.holder.stdout.readline() != b"good\n":
            raise RuntimeError("the host %s could not be made" % self.name)

    # ------------------------------------------------------------ commands in there

    def command(self, words):
        return ["nsenter", "--target", str(self.holder.pid), "--mount", "--uts", "--", *words]

    def call(self, *words, text=None, patience=300, good=True):
        done = subprocess.run(self.command(words), input=text, text=True, errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=ENVIRONMENT,
                              timeout=patience, check=False, cwd="/")
        if good and done.returncode != 0:
            raise RuntimeError("%s on %s: %s" % (words[0], self.name, done.stdout[-2000:]))
        return done.stdout

    def start(self, *words):
        output = open(self.folder + "/started", "ab")
        return subprocess.Popen(self.command(words), stdin=subprocess.DEVNULL, stdout=output,
                                stderr=output, env=ENVIRONMENT, cwd="/", start_new_session=True)

    def services(self, module, folder=None, **more):
        """PAM services with this one module, in a folder of /etc."""
        lines = "".join("%s required %s %s\n" % (kind, module, more.get(kind, ""))
                        for kind in ("auth", "account", "password", "session"))
        for service in SERVICES:
            self.write("/etc/%s/%s" % (folder or "single", service), lines)

    def come_up(self, what):
        """Wait until it knows the domain; else show what its daemons have said."""
        try:
            until(lambda: self.knows("Administrator"), what)
        except RuntimeError as error:
            with open(self.folder + "/started", errors="replace") as file:
                raise RuntimeError("\n".join([str(error), file.read(), *self.logs()])) from None

    def knows(self, user):
        return self.call("getent", "passwd", user, good=False).split(":")[2:3]

    def look_again(self):
        """It does so by itself."""

    def uid(self, user):
        found = self.knows(user)
        if not found:
            raise RuntimeError("%s does not know %s" % (self.name, user))
        return int(found[0])

    def logs(self):
        """New lines of its logs: of syslog without the time, of others by their file."""
        lines = []
        for path in [self.folder + "/var/log/syslog", *sorted(glob.glob(
                self.folder + "/var/log/s*/*log*"))]:
            if not os.path.isfile(path):
                continue
            with open(path, errors="replace") as file:
                file.seek(self.logged.get(path, 0))
                text = file.read()
                self.logged[path] = file.tell()
            name = os.path.basename(path)
            lines += ["%s: %s" % (name, line) for line in text.splitlines()]
        return lines

    # ------------------------------------------------------------ memory

    def processes(self):
        space = os.readlink("/proc/%d/ns/mnt" % self.holder.pid)
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink("/proc/%s/ns/mnt" % name) == space:
                    with open("/proc/%s/comm" % name) as file:
                        found.append((int(name), file.read().strip()))
            except OSError:
                pass
        return found

    def memory(self):
        """Resident memory of its daemons in kB, the sum and with what is shared split up; and
        how many processes."""
        resident = proportional = count = 0
        for process, name in self.processes():
            if not any(word in name for word in self.DAEMONS):
                continue
            count += 1
            with open("/proc/%d/smaps_rollup" % process) as file:
                for line in file:
                    if line.startswith("Rss:"):
                        resident += int(line.split()[1])
                    elif line.startswith("Pss:"):
                        proportional += int(line.split()[1])
        return resident, proportional, count


def folders(model, own, with_inner):
    os.makedirs(own, exist_ok=True)
    shutil.copystat(model, own)
    if not with_inner:
        return
    for place, inner, _ in os.walk(model):
        for name in inner:
            source = os.path.join(place, name)
            if os.path.islink(source):
                continue
            target = own + source[len(model):]
            os.makedirs(target, exist_ok=True)
            shutil.copystat(source, target)
            there = os.stat(source)
            os.chown(target, there.st_uid, there.st_gid)


def until(is_so, what, patience=STARTING):
    end = time.monotonic() + patience
    while True:
        value = is_so()
        if value:
            return value
        if time.monotonic() > end:
            raise RuntimeError("waited %d s in vain for %s" % (patience, what))
        time.sleep(0.1)


# ---------------------------------------------------------------- domlogon

class Domlogon(Host):
    DAEMONS = ("domlogond",)
    daemon = None

    def join(self, rights=""):
        self.write("/etc/domlogon/rights.toml", rights)
        self.write("/etc/domlogon/domlogon.toml", (
            '[domain]\nname = "%s"\ndns_name = "%s"\n\n[directory]\n' % (WORKGROUP, DOMAIN)))
        self.services("pam_domlogon.so")
        self.call("domlogon", "join", REALM, "--user", "Administrator", "--password-stdin",
                  text=ADMINISTRATOR_PASSWORD + "\n")
        self.run()

    def configure(self, more):
        """More for the end of the configuration: its section of the directory."""
        with open(self.etc + "/domlogon/domlogon.toml", "a") as file:
            file.write(more)

    def run(self):
        self.daemon = self.launch()
        self.come_up("domlogond")

    def launch(self):
        """The daemon, as its own user without any capability."""
        owner = pwd.getpwnam("domlogon")
        for place in ("/var/lib/domlogon", "/run/domlogon"):
            place = self.folder + os.path.realpath(place)
            os.chown(place, owner.pw_uid, owner.pw_gid)
            for name in os.listdir(place):
                os.chown(os.path.join(place, name), owner.pw_uid, owner.pw_gid)
        return self.start(
            "setpriv", "--reuid", "domlogon", "--regid", "domlogon", "--clear-groups",
            "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "domlogond")

    def stop(self):
        self.daemon.terminate()
        self.daemon.wait()


# ---------------------------------------------------------------- winbind

SMB = """[global]
    security = ads
    realm = {realm}
    workgroup = {workgroup}
    netbios name = {name}
    kerberos method = secrets and keytab
    winbind use default domain = yes
    winbind refresh tickets = yes
    winbind offline logon = yes
    winbind enum users = no
    winbind enum groups = no
    winbind expand groups = 1
    idmap config * : backend = tdb
    idmap config * : range = 3000000-3999999
    idmap config {workgroup} : backend = rid
    idmap config {workgroup} : range = 100000-999999
    template shell = /bin/bash
    template homedir = /home/%U
    load printers = no
    disable netbios = yes
"""
# What Debian's pam-auth-update writes for it.
DEBIAN = "krb5_auth krb5_ccache_type=FILE cached_login"


class Winbind(Host):
    DAEMONS = ("winbindd", "rpcd", "samba-dcerpcd", "wb[", "wb-")

    def join(self, staff="staff"):
        self.write("/etc/samba/smb.conf", SMB.format(
            realm=REALM, workgroup=WORKGROUP, name=self.name.upper()))
        self.switch()
        self.services("pam_winbind.so " + DEBIAN)
        self.services("pam_winbind.so cached_login", folder="plain")
        member = "require_membership_of=%s\\%s" % (WORKGROUP, staff)
        # An option of auth alone; the others do not know it.
        self.services("pam_winbind.so " + DEBIAN, folder="staff", auth=member)
        self.services("pam_winbind.so cached_login", folder="plain-staff", auth=member)
        self.write("/etc/join", "username = Administrator\npassword = %s\ndomain = %s\n" % (
            ADMINISTRATOR_PASSWORD, WORKGROUP), 0o600)
        self.call("net", "ads", "join", "-A", "/etc/join", "--no-dns-updates")
        self.start("winbindd", "--foreground", "--no-process-group")
        self.come_up("winbindd")

    def look_again(self):
        """Tell it to go online, as an administrator would."""
        self.call("smbcontrol", "winbindd", "online", good=False)

    def switch(self):
        self.write("/etc/nsswitch.conf", "passwd: files winbind\ngroup: files winbind\n"
                   "shadow: files\nhosts: files dns\n")


# ---------------------------------------------------------------- SSSD, and pam_krb5

SSSD = """[sssd]
config_file_version = 2
services = nss, pam
domains = {domain}
[nss]
[pam]
[domain/{domain}]
id_provider = ad
access_provider = ad
ad_domain = {domain}
ad_server = {dc}
ad_hostname = {full}
krb5_realm = {realm}
use_fully_qualified_names = false
dyndns_update = false
ad_gpo_access_control = disabled
cache_credentials = true
fallback_homedir = /home/%u
default_shell = /bin/bash
{more}
"""


class Sssd(Host):
    DAEMONS = ("sssd",)
    daemon = None

    def join(self, more=""):
        self.write("/etc/sssd/sssd.conf", SSSD.format(
            domain=DOMAIN, dc="%s.%s" % (HOST, DOMAIN), full=self.full, realm=REALM, more=more),
            0o600)
        self.write("/etc/nsswitch.conf", "passwd: files sss\ngroup: files sss\n"
                   "shadow: files\nhosts: files dns\n")
        self.services("pam_sss.so")
        self.services("pam_krb5.so minimum_uid=1000", folder="krb5")
        self.call("adcli", "join", "-D", DOMAIN, "-S", "%s.%s" % (HOST, DOMAIN), "-R", REALM,
                  "-H", self.full, "-N", self.name.upper(), "-U", "Administrator",
                  "--stdin-password", text=ADMINISTRATOR_PASSWORD)
        self.run()

    def run(self):
        self.daemon = self.start("sssd", "--interactive", "--logger=files")
        self.come_up("sssd")

    def configure(self, more):
        """More for the end of the configuration: its section of the domain."""
        path = "/etc/sssd/sssd.conf"
        with open(self.folder + path) as file:
            text = file.read()
        self.write(path, text + more + "\n", 0o600)

    def stop(self):
        self.daemon.terminate()
        self.daemon.wait()

    def look_again(self):
        """Tell it to go online, as an administrator would."""
        self.daemon.send_signal(signal.SIGUSR2)
