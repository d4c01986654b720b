"""directory.py DATA LOOP [--quick]: logons, look-ups and memory with domlogon, SSSD, winbind and
pam_krb5 as clients of one Samba domain controller. Run by `tests/bench/run --directory`."""
import os
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE + "/../peers", HERE + "/../dc"]

from accounts import Accounts, NORMAL, NOT_REQUIRED  # noqa: E402
from hosts import Domlogon, KERBEROS, Sssd, Winbind, until  # noqa: E402
from samba.auth import system_session  # noqa: E402
from samba.samdb import SamDB  # noqa: E402
from server import ADDRESS, DOMAIN, REALM, Server  # noqa: E402

PASSWORD = "Corr3ct-Horse"
# Accounts with a password; the others are only looked up.
PEOPLE = 50
FEW, MANY = 500, 20_000
AT_ONCE = 8
EMBEDDED = '[domain]\nname = "HERE"\ndns_name = "here.example"\n'


class Way:
    """Something that logs people on."""

    def __init__(self, title, host, operation, folder, tcp=False):
        self.title, self.host, self.operation, self.folder = title, host, operation, folder
        self.environment = ["env", "KRB5_CONFIG=/etc/krb5-tcp.conf"] if tcp else []
        self.times = {1: [], AT_ONCE: []}
        # Of the rounds, how many were done in a second.
        self.rates = {1: [], AT_ONCE: []}

    def measure(self, loop, count, processes):
        done = self.host.call(*self.environment, loop, self.operation, self.folder, "login", "user",
                              str(PEOPLE), str(count), str(processes), text=PASSWORD + "\n")
        times, whole = parse(done)
        self.times[processes] += times
        self.rates[processes].append(len(times) / whole)


def parse(text):
    times = text.split()
    return [int(one) for one in times[:-2]], int(times[-1]) / 1e9


class Bench:
    def __init__(self, data, loop, quick):
        self.loop, self.data = "/usr/local/sbin/domlogon-bench-directory", data
        # The folder of built files may be covered on the hosts.
        subprocess.run(["install", "-m", "755", loop, self.loop], check=True)
        self.rounds, self.count, self.look_ups = (2, 5, 200) if quick else (10, 20, 3000)
        self.many = 2000 if quick else MANY
        self.busy = []

    def prepare(self):
        self.server = Server("/run/dc")
        say("a domain controller, and %d accounts" % FEW)
        self.server.do_start()
        self.accounts = Accounts("/run/dc")
        self.accounts.do_services()
        self.accounts.do_policy(max_age=None)
        for number in range(PEOPLE):
            self.accounts.do_user(user(number), PASSWORD)
        self.add(range(PEOPLE, FEW))
        self.accounts.do_group("allstaff", [user(number) for number in range(FEW)])
        self.domlogon, self.sssd, self.winbind = (
            kind(name, self.data) for kind, name in (
                (Domlogon, "ws1"), (Sssd, "ws2"), (Winbind, "ws3")))
        for host in (self.domlogon, self.sssd, self.winbind):
            say(host.name + " joins")
            host.write("/etc/krb5-tcp.conf", KERBEROS.format(
                realm=REALM, domain=DOMAIN, address=ADDRESS, more="udp_preference_limit = 1"))
            host.join()
        self.embedded = Embedded("ws4", self.data)
        self.embedded.fill()
        self.ways = [
            Way("pam_domlogon", self.domlogon, "logon", "/etc/single"),
            Way("pam_sss", self.sssd, "logon", "/etc/single"),
            Way("pam_krb5", self.sssd, "logon", "/etc/krb5"),
            Way("pam_krb5, TCP only", self.sssd, "logon", "/etc/krb5", tcp=True),
            Way("pam_winbind krb5_auth", self.winbind, "logon", "/etc/single"),
            Way("pam_winbind (no tickets)", self.winbind, "logon", "/etc/plain"),
            Way("pam_domlogon, acct_mgmt alone", self.domlogon, "account", "/etc/single"),
            Way("pam_sss, acct_mgmt alone", self.sssd, "account", "/etc/single"),
            Way("AS exchange alone, TCP", self.sssd, "exchange", REALM, tcp=True),
            Way("AS exchange alone, UDP first", self.sssd, "exchange", REALM),
        ]

    def add(self, numbers):
        """Accounts without a password. In batch mode, where adding does not get slower."""
        batch = SamDB(url="/run/dc/private/sam.ldb", session_info=system_session(),
                      lp=self.accounts.settings, options=["batch_mode:1"])
        batch.transaction_start()
        for number in numbers:
            name = user(number)
            batch.add({"dn": "CN=%s,CN=Users,%s" % (name, self.accounts.base),
                       "objectClass": "user", "sAMAccountName": name,
                       "userAccountControl": str(NORMAL | NOT_REQUIRED)})
        batch.transaction_commit()

    # ------------------------------------------------------------ logons

    def logons(self):
        for way in self.ways:
            # Everybody once: nobody's first logon is measured.
            way.host.call(*way.environment, self.loop, way.operation, way.folder, "login", "user",
                          str(PEOPLE), str(PEOPLE), "1", text=PASSWORD + "\n")
        for turn in range(self.rounds):
            say("logons, round %d of %d" % (turn + 1, self.rounds))
            for place in range(len(self.ways)):
                # Another one is the first each time.
                way = self.ways[(place + turn) % len(self.ways)]
                self.quiet()
                way.measure(self.loop, self.count, 1)
                way.measure(self.loop, max(self.count // 4, 2), AT_ONCE)

    def quiet(self, patience=5):
        """Wait for an idle machine, but not for long; note how idle it was."""
        end = time.monotonic() + patience
        while True:
            before = ticks()
            time.sleep(0.25)
            after = ticks()
            idle = (after[0] - before[0]) / max(after[1] - before[1], 1)
            if idle > 0.85 or time.monotonic() > end:
                self.busy.append(1 - idle)
                return

    # ------------------------------------------------------------ look-ups

    def look_up(self):
        clients = [("domlogon", self.domlogon), ("domlogon, embedded", self.embedded),
                   ("nss_sss", self.sssd), ("nss_winbind", self.winbind)]
        calls = [("getpwnam", "getpwnam", "user", FEW), ("getpwuid", "getpwuid", "user", FEW),
                 ("getgrnam, %d members" % FEW, "getgrnam", "allstaff", 0),
                 ("initgroups", "initgroups", "user", PEOPLE)]
        self.looked_up = {}
        for turn in range(4):
            for title, call, stem, span in calls:
                for name, host in clients:
                    count = self.look_ups // (10 if call == "getgrnam" else 1)
                    if turn == 0:
                        # Until it is known: the first calls may give up.
                        until(lambda: host.call("getent", "group", "allstaff", good=False),
                              "allstaff on " + host.name)
                        count = max(span, 10)
                    else:
                        self.quiet(2)
                    try:
                        times, _ = parse(host.call(self.loop, call, "-", "-", stem, str(span),
                                                   str(count), "1", text="\n"))
                    except RuntimeError as error:
                        say(str(error))
                        times = []
                    if turn > 0:
                        self.looked_up.setdefault((title, name), []).extend(times)
        self.calls, self.clients = [call[0] for call in calls], [one[0] for one in clients]

    # ------------------------------------------------------------ memory

    def memory(self):
        rows = []
        for title, host in (("domlogon", self.domlogon), ("SSSD", self.sssd),
                            ("winbind", self.winbind)):
            host.call(self.loop, "getpwnam", "-", "-", "user", str(FEW), str(FEW), "1", text="\n")
            rows.append(("%s, %d users known" % (title, FEW), host.memory()))
        say("%d accounts" % self.many)
        self.add(range(FEW, self.many))
        self.domlogon.stop()
        self.domlogon.configure("sync = true\n")
        start = time.monotonic()
        self.domlogon.run()
        until(lambda: self.domlogon.call("getent", "passwd").count("\n") >= self.many,
              "domlogon to know all", 600)
        self.domlogon.call(self.loop, "getpwnam", "-", "-", "user", str(self.many),
                           str(self.many), "1", text="\n")
        rows.append(("domlogon, %d users known, sync = true (in %.0f s)" % (
            self.many, time.monotonic() - start), self.domlogon.memory()))
        # SSSD's own way of knowing all, "enumerate", takes minutes to begin; so each is asked for.
        start = time.monotonic()
        self.sssd.call(self.loop, "getpwnam", "-", "-", "user", str(self.many),
                       str(self.many // AT_ONCE), str(AT_ONCE), text="\n", patience=900)
        rows.append(("SSSD, %d users known, each asked for (in %.0f s)" % (
            self.many, time.monotonic() - start), self.sssd.memory()))
        return rows


class Embedded(Domlogon):
    """A host whose accounts are in its own database."""

    def fill(self):
        self.write("/etc/domlogon/domlogon.toml", EMBEDDED)
        self.write("/etc/domlogon/rights.toml", "")
        self.daemon = self.launch()
        until(lambda: os.path.exists(self.folder + "/run/domlogon/socket"), "the embedded daemon")
        self.write("/etc/people", "".join(
            "%s:x:%d:100::/home/%s:/bin/bash\n" % (user(number), 30000 + number, user(number))
            for number in range(FEW)))
        self.write("/etc/people-shadow", "".join(
            "%s:!:19700:0:99999:7:::\n" % user(number) for number in range(FEW)))
        self.call("domlogon", "user", "import", "/etc/people", "--shadow", "/etc/people-shadow")
        self.call("domlogon", "group", "add", "allstaff")
        for number in range(FEW):
            self.call("domlogon", "group", "add-member", "allstaff", user(number))


def user(number):
    return "user%04d" % number


def ticks():
    with open("/proc/stat") as file:
        numbers = [int(word) for word in file.readline().split()[1:]]
    return numbers[3] + numbers[4], sum(numbers)


def show(bench, memory):
    first = statistics.median(bench.ways[0].times[1])
    fast = bench.ways[0].rates[AT_ONCE]
    print("\n%-30s %8s %8s %7s %7s | %9s %8s %7s" % (
        "logon (ms)", "median", "p99", "ratio", "times", "%d at once" % AT_ONCE, "p99", "ratio"))
    for way in bench.ways:
        one, eight = sorted(way.times[1]), sorted(way.times[AT_ONCE])
        rate = statistics.median(way.rates[AT_ONCE])
        print("%-30s %8.1f %8.1f %7.2f %7d | %7.1f/s %8.1f %7.2f" % (
            way.title, statistics.median(one) / 1e6, p99(one) / 1e6,
            statistics.median(one) / first, len(one), rate, p99(eight) / 1e6,
            rate / statistics.median(fast)))
    print("\n%-30s %20s %20s %20s %20s" % ("look-up (µs), median / p99", *bench.clients))
    for call in bench.calls:
        cells = []
        for client in bench.clients:
            times = sorted(bench.looked_up.get((call, client), ()))
            cells.append("%.1f / %.1f" % (statistics.median(times) / 1e3, p99(times) / 1e3)
                         if times else "none")
        print("%-30s %20s %20s %20s %20s" % (call, *cells))
    print("\n%-56s %9s %9s %9s" % ("memory (kB)", "resident", "PSS", "processes"))
    for what, numbers in memory:
        print("%-56s %9d %9d %9d" % (what, *numbers))
    print("\n%-56s %9s %9s" % ("aims", "measured", "at most"))
    for what, ratio, most in aims(bench, dict(memory)):
        print("%-56s %9.2f %9.2f%s" % (what, ratio, most, "" if ratio <= most else "   MISSED"))
    load = statistics.median(bench.busy) * 100
    print("\nWhile waiting for quiet the machine was %.0f %% busy with other work (median of %d looks);"
          " load %.1f." % (load, len(bench.busy), os.getloadavg()[0]))


def aims(bench, memory):
    """What the directory backend was to reach: how it stands to the others, and the limit."""
    ways = {way.title: way for way in bench.ways}
    alone = {title: statistics.median(way.times[1]) for title, way in ways.items()}
    rates = {title: statistics.median(way.rates[AT_ONCE]) for title, way in ways.items()}
    yield "a logon, to pam_sss", alone["pam_domlogon"] / alone["pam_sss"], 0.5
    yield "a logon, to pam_krb5", alone["pam_domlogon"] / alone["pam_krb5"], 1
    yield ("%d at once: time for each, to pam_sss" % AT_ONCE,
           rates["pam_sss"] / rates["pam_domlogon"], 0.5)
    for count in (FEW, bench.many):
        ours, theirs = (next(numbers for what, numbers in memory.items()
                             if what.startswith("%s, %d users" % (name, count)))
                        for name in ("domlogon", "SSSD"))
        yield "resident with %d users, to SSSD" % count, ours[0] / theirs[0], 0.25
        yield "PSS with %d users, to SSSD" % count, ours[1] / theirs[1], 0.25
    for call in bench.calls:
        ours, embedded = (bench.looked_up.get((call, client)) for client in bench.clients[:2])
        if ours and embedded:
            yield ("%s, to the embedded database" % call,
                   statistics.median(ours) / statistics.median(embedded), 1.1)


def p99(times):
    return times[int(len(times) * 0.99)] if times else float("nan")


def say(text):
    print("tests/bench:", text, file=sys.stderr, flush=True)


def main():
    if os.environ.get("DOMLOGON_SANDBOX") != "1":
        sys.exit("run tests/bench/run --directory")
    bench = Bench(sys.argv[1], sys.argv[2], "--quick" in sys.argv)
    bench.prepare()
    try:
        bench.logons()
        bench.look_up()
        show(bench, bench.memory())
    finally:
        bench.server.kill()


if __name__ == "__main__":
    main()
