"""nss.py DATA LOOP FILLER [--quick]: look-ups of names by domlogon, SSSD, winbind and nss_files with
the same accounts. Run by `tests/bench/run --nss`. Prints a table, and writes DATA/nss.svg."""
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, HERE + "/../peers", HERE + "/../dc"]

from accounts import Accounts, NORMAL, NOT_REQUIRED  # noqa: E402
from hosts import Domlogon, Host, Sssd, Winbind, until  # noqa: E402
from plot import plot  # noqa: E402
from samba.auth import system_session  # noqa: E402
from samba.samdb import SamDB  # noqa: E402
from server import Server  # noqa: E402

HERE_DOMAIN = '[domain]\nname = "HERE"\ndns_name = "here.example"\n'
MEMBERS = 500
THREADS = 8
CALLS = [("getpwnam", "getpwnam", "user"), ("getpwuid", "getpwuid", "user"),
         ("getgrnam, 1 member", "getgrnam", "one-of-them"),
         ("getgrnam, %d members" % MEMBERS, "getgrnam", "some-of-them"),
         ("initgroups", "initgroups", "user"), ("nobody's name", "absent", "nobody-here")]
NAMES = {"domlogon": "domlogon", "directory": "domlogon, directory", "files": "nss_files",
         "sss": "nss_sss", "winbind": "nss_winbind"}


class Embedded(Domlogon):
    """A host whose accounts are in its own database."""

    def fill(self, filler, count):
        self.write("/etc/domlogon/domlogon.toml", HERE_DOMAIN)
        self.write("/etc/domlogon/rights.toml", "")
        database = self.folder + os.path.realpath("/var/lib/domlogon") + "/accounts.db"
        subprocess.run([filler, "--fill", database, str(count)], check=True)
        # Where it is on every host.
        self.call("mount", "-t", "tmpfs", "-o", "mode=755", "names", "/run/domlogon")
        self.call("chown", "domlogon:", "/run/domlogon")
        self.begin_daemon()

    def begin_daemon(self):
        before = self.inode()
        begun = time.monotonic()
        self.daemon = self.launch()
        until_soon(lambda: self.inode() not in (None, before), "the names of " + self.name)
        return time.monotonic() - begun

    def inode(self):
        """That of the base; None while there is none and programs ask the daemon."""
        try:
            return os.stat(self.names()).st_ino
        except FileNotFoundError:
            return None

    def names(self):
        return "/proc/%d/root/run/domlogon/names" % self.holder.pid

    def publish(self):
        """How long it takes to publish everything again, because the host has one name more."""
        inode = self.inode()
        begun = time.monotonic()
        with open(self.etc + "/passwd", "a") as file:
            file.write("local%d:x:7000:7000::/:/bin/sh\n" % inode)
        until_soon(lambda: self.inode() not in (None, inode), self.name)
        return time.monotonic() - begun

    def own_memory(self):
        """Resident memory of the daemon in kB: all of it, its own, and the most it ever was."""
        process = next(number for number, name in self.processes() if name == "domlogond")
        found = {}
        with open("/proc/%d/status" % process) as file:
            for line in file:
                if line.startswith(("VmRSS:", "RssAnon:", "VmHWM:")):
                    found[line.split(":")[0]] = int(line.split()[1])
        return found["VmRSS"], found["RssAnon"], found["VmHWM"]


def until_soon(is_so, what, patience=120):
    end = time.monotonic() + patience
    while not is_so():
        if time.monotonic() > end:
            raise RuntimeError("waited in vain for " + what)
        time.sleep(0.001)


class Bench:
    def __init__(self, data, loop, filler, quick):
        self.data = data
        # The folder of built files may be covered on the hosts.
        self.loop, self.filler = ("/usr/local/sbin/domlogon-bench-" + name for name in ("nss", "fill"))
        for source, target in ((loop, self.loop), (filler, self.filler)):
            subprocess.run(["install", "-m", "755", source, target], check=True)
        self.rounds = 1 if quick else 3
        self.accounts = 1000 if quick else 10_000
        self.sizes = [1000, 5000, 20_000] if quick else [1000, 20_000, 1_000_000]
        self.fast, self.slow = (20_000, 500) if quick else (200_000, 2000)
        self.singly = 2000 if quick else 10_000
        self.hosts, self.results, self.busy = {}, {}, []

    # ------------------------------------------------------------ hosts

    def prepare(self):
        self.server = Server("/run/dc")
        say("a domain controller, and %d accounts" % self.accounts)
        self.server.do_start()
        accounts = Accounts("/run/dc")
        accounts.do_services()
        accounts.do_policy(max_age=None)
        batch = SamDB(url="/run/dc/private/sam.ldb", session_info=system_session(),
                      lp=accounts.settings, options=["batch_mode:1"])
        batch.transaction_start()
        for number in range(self.accounts):
            name = user(number)
            batch.add({"dn": "CN=%s,CN=Users,%s" % (name, accounts.base), "objectClass": "user",
                       "sAMAccountName": name, "displayName": "Full Name of " + name,
                       "userAccountControl": str(NORMAL | NOT_REQUIRED)})
        batch.transaction_commit()
        accounts.do_group("one-of-them", [user(0)])
        accounts.do_group("some-of-them", [user(number) for number in range(MEMBERS)])
        self.hosts = {"domlogon": Embedded("ws1", self.data), "files": Host("ws2", self.data),
                      "directory": Domlogon("ws3", self.data), "sss": Sssd("ws4", self.data),
                      "winbind": Winbind("ws5", self.data)}
        say("the same in a database, and in /etc/passwd")
        self.hosts["domlogon"].fill(self.filler, self.accounts)
        self.write_files(self.hosts["files"])
        for name in ("directory", "sss", "winbind"):
            say(NAMES[name] + " joins")
            self.hosts[name].join()

    def write_files(self, host):
        lines = {"passwd": ["%s:x:%d:20513:Full Name of %s:/home/%s:/bin/bash" % (
            user(number), 30000 + number, user(number), user(number))
            for number in range(self.accounts)]}
        lines["group"] = [
            "one-of-them:x:20514:" + user(0), "domain-users:x:20513:",
            "some-of-them:x:20515:" + ",".join(user(number) for number in range(MEMBERS))]
        for name, more in lines.items():
            with open("%s/%s" % (host.etc, name), "a") as file:
                file.write("\n".join(more) + "\n")

    def run(self, name, call, stem, span, count, threads):
        module = "domlogon" if name in ("directory", "large") else name
        return [int(word) for word in self.hosts[name].call(
            self.loop, call, module, stem, str(span), str(count), str(threads),
            patience=900).split()]

    def learn(self, name):
        """Everybody is known, so that no look-up has to ask the controller."""
        say(NAMES[name] + " learns the names")
        end = time.monotonic() + 300
        for call, stem, span in (("getpwnam", "user", self.accounts), ("initgroups", "user", MEMBERS),
                                 ("getgrnam", "some-of-them", 0), ("getgrnam", "one-of-them", 0),
                                 ("getpwuid", "user", self.accounts)):
            while True:
                try:
                    # The names are chosen at random: a few rounds to find nearly all.
                    self.run(name, call, stem, span, max(span, 1), 4 if span else 1)
                    break
                except RuntimeError as error:
                    # A large group is read beside, and whoever asks meanwhile gets none of it.
                    if time.monotonic() > end:
                        raise
                    say("again: " + str(error).strip())
                    time.sleep(3)

    # ------------------------------------------------------------ look-ups

    def look_up(self):
        for turn in range(self.rounds):
            for name in self.hosts:
                if name in ("directory", "sss", "winbind"):
                    self.learn(name)
                for title, call, stem in CALLS:
                    span = {"getpwnam": self.accounts, "getpwuid": self.accounts,
                            "initgroups": MEMBERS}.get(call, 0)
                    is_fast = name == "domlogon" or (
                        name in ("sss", "directory") and call != "absent")
                    for threads in (1, THREADS):
                        count = (self.fast if is_fast else self.slow) // threads
                        if call == "getgrnam":
                            count //= 4
                        self.quiet(2)
                        try:
                            numbers = self.run(name, call, stem, span, count, threads)
                        except RuntimeError as error:
                            say(str(error).strip())
                            continue
                        self.keep((title, name, threads), numbers)
            say("round %d of %d is done" % (turn + 1, self.rounds))

    def keep(self, key, numbers):
        """Of several rounds the one that was least disturbed."""
        before = self.results.get(key)
        if before is None or numbers[0] < before[0]:
            self.results[key] = numbers

    def first(self):
        """The first look-up in a new process: dlopen, mapping, answer."""
        found = {}
        for name, host in self.hosts.items():
            module = "domlogon" if name == "directory" else name
            times = []
            for number in range(40):
                try:
                    times.append(int(host.call(self.loop, "first", module, user(number))))
                except RuntimeError as error:
                    say(str(error).strip())
            found[name] = times
        return found

    def listing(self):
        """`ls -l` of files, each of another owner."""
        found = {}
        for name, host in self.hosts.items():
            say("ls -l by " + NAMES[name])
            users = [user(number) for number in range(self.accounts)]
            lines = host.call("getent", "passwd", *users, patience=900).splitlines()
            folder = host.folder + "/tmp/many"
            os.makedirs(folder)
            for number, line in enumerate(lines):
                path = "%s/%05d" % (folder, number)
                with open(path, "w"):
                    pass
                os.chown(path, int(line.split(":")[2]), 0)
            self.quiet(2)
            times = []
            for _ in range(3):
                begun = time.monotonic()
                host.call("sh", "-c", "ls -l /tmp/many >/dev/null", patience=900)
                times.append(time.monotonic() - begun)
            plain = time.monotonic()
            host.call("sh", "-c", "ls -ln /tmp/many >/dev/null")
            found[name] = (min(times), time.monotonic() - plain, len(lines))
        return found

    # ------------------------------------------------------------ sizes

    def growth(self):
        """The embedded database, small and large."""
        rows = {}
        for place, size in enumerate(self.sizes):
            say("%d accounts" % size)
            host = Embedded("big%d" % place, self.data)
            self.hosts["large"] = host
            host.fill(self.filler, size)
            fresh = host.own_memory()
            row = {"publish": min(host.publish() for _ in range(3)),
                   "file": os.stat(host.names()).st_size, "fresh": fresh}
            time.sleep(1)
            row["memory"] = host.own_memory()
            row["seen"] = statistics.median(self.see(host, turn) for turn in range(9))
            for title, call, stem in CALLS:
                span = {"getpwnam": size, "getpwuid": size, "initgroups": size}.get(call, 0)
                runs = []
                for _ in range(self.rounds):
                    self.quiet(2)
                    count = self.fast // (4 if call == "getgrnam" else 1)
                    runs.append(self.run("large", call, stem, span, count, 1))
                row[title] = min(runs)
            row["singly"] = self.change_singly(host)
            host.stop()
            row["start"] = host.begin_daemon()
            host.stop()
            rows[size] = row
            # The next one needs the room.
            os.unlink(host.names())
            for name in os.listdir(host.folder + os.path.realpath("/var/lib/domlogon")):
                os.unlink(host.folder + os.path.realpath("/var/lib/domlogon") + "/" + name)
        return rows

    def change_singly(self, host):
        """Seconds for many changes, each by a request of its own, and how many bases that took."""
        seen, done = set(), threading.Event()

        def watch():
            while not done.wait(0.003):
                seen.add(host.inode())
        watcher = threading.Thread(target=watch)
        watcher.start()
        begun = time.monotonic()
        host.call(self.filler, "--add", str(self.singly), patience=900)
        took = time.monotonic() - begun
        time.sleep(3)
        done.set()
        watcher.join()
        return took, len(seen - {None}) - 1

    def see(self, host, turn):
        """From the start of the command that changes somebody until another process sees it."""
        text = "Changed %d" % turn
        watcher = subprocess.Popen(
            host.command([self.loop, "see", "domlogon", user(7), text]), stdout=subprocess.PIPE)
        watcher.stdout.readline()
        begun = time.monotonic_ns()
        host.call("domlogon", "user", "set", user(7), "--full-name", text)
        seen = int(watcher.stdout.readline())
        watcher.wait()
        return (seen - begun) / 1e6

    def quiet(self, patience):
        """Wait for an idle machine, but not for long; note how idle it was."""
        end = time.monotonic() + patience
        while True:
            before = ticks()
            time.sleep(0.1)
            after = ticks()
            idle = (after[0] - before[0]) / max(after[1] - before[1], 1)
            if idle > 0.85 or time.monotonic() > end:
                self.busy.append(1 - idle)
                return


def user(number):
    return "user%07d" % number


def ticks():
    with open("/proc/stat") as file:
        numbers = [int(word) for word in file.readline().split()[1:]]
    return numbers[3] + numbers[4], sum(numbers)


# ---------------------------------------------------------------- the table

def micro(nanoseconds):
    return "%.2f" % (nanoseconds / 1e3) if nanoseconds < 1e5 else "%.0f" % (nanoseconds / 1e3)


def times(ratio):
    return "%.2f" % ratio if ratio < 10 else "%.0f" % ratio


def show(bench, first, listing, rows, memory):
    names = list(NAMES)
    print("\n%-33s" % ("look-up (µs), median / p99") + "".join("%24s" % NAMES[n] for n in names))
    for threads in (1, THREADS):
        for title, _, _ in CALLS:
            cells = []
            ours = bench.results.get((title, "domlogon", threads))
            for name in names:
                got = bench.results.get((title, name, threads))
                cells.append("%24s" % ("none" if not got else "%s / %s ×%s" % (
                    micro(got[0]), micro(got[1]), times(got[0] / ours[0]))))
            label = title if threads == 1 else "%s, %d threads" % (title, threads)
            print("%-33s" % label + "".join(cells))
    print("%-33s" % "processor, 8 to 1 thread" + "".join("%24s" % ratio_of(bench, name)
                                                          for name in names))
    print("%-33s" % "first in a new process" + "".join("%24s" % (
        micro(statistics.median(first[name])) if first[name] else "none") for name in names))
    print("%-33s" % "ls -l, each another's (ms)" + "".join("%24s" % (
        "%.0f (-n: %.0f)" % (listing[name][0] * 1e3, listing[name][1] * 1e3)) for name in names))
    print("\n%-40s" % "the embedded database" + "".join("%16s" % ("%d" % size) for size in rows))
    for title, _, _ in CALLS:
        print("%-40s" % (title + " (µs)") + "".join("%16s" % ("%s / %s" % (
            micro(row[title][0]), micro(row[title][1]))) for row in rows.values()))
    for what, unit in (("publish", "everything published again (s)"), ("start", "start to published (s)"),
                       ("seen", "a change seen elsewhere (ms)")):
        print("%-40s" % unit + "".join("%16.3f" % row[what] for row in rows.values()))
    print("%-40s" % ("%d single changes (s), new bases" % bench.singly) + "".join(
        "%16s" % ("%.1f, %d" % row["singly"]) for row in rows.values()))
    print("%-40s" % "the file (MB)" + "".join("%16.1f" % (row["file"] / 1e6) for row in rows.values()))
    for place, what in enumerate(("resident", "own", "most ever")):
        print("%-40s" % ("daemon's memory, %s (MB)" % what) + "".join(
            "%16.1f" % (row["memory"][place] / 1e3) for row in rows.values()))
    print("%-40s%16.1f (PSS %.1f, %d processes)" % (
        "SSSD whole, %d known (MB)" % bench.accounts, *(number / 1e3 for number in memory[:2]), memory[2]))
    print("\n%-64s %9s %9s" % ("aims", "measured", "at most"))
    for what, value, most in aims(bench, rows, memory):
        print("%-64s %9.3f %9.3f%s" % (what, value, most, "" if value <= most else "   MISSED"))
    print("\nWhile waiting for quiet the machine was %.0f %% busy with other work (median of %d looks)."
          % (statistics.median(bench.busy) * 100, len(bench.busy)))


def ratio_of(bench, name):
    """Of the processors' time for a getpwnam: with eight threads to with one."""
    one, eight = (bench.results.get(("getpwnam", name, threads)) for threads in (1, THREADS))
    return "%.2f" % (eight[2] / max(one[2], 1)) if one and eight else "none"


def aims(bench, rows, memory):
    got = bench.results
    ours, sss = ({title: got[(title, name, 1)][0] for title, _, _ in CALLS if (title, name, 1) in got}
                 for name in ("domlogon", "sss"))
    for title, most in (("getpwnam", 0.5), ("getpwuid", 0.5), ("getgrnam, 1 member", 0.5),
                        ("getgrnam, %d members" % MEMBERS, 1), ("initgroups", 1), ("nobody's name", 0.01)):
        if title in ours and title in sss:
            yield title + ", to SSSD", ours[title] / sss[title], most
    one, eight = (got[("getpwnam", "domlogon", threads)][2] for threads in (1, THREADS))
    # A twentieth is within what two runs differ by.
    yield "processors' time for a getpwnam, %d threads to one" % THREADS, eight / max(one, 1), 1.05
    small, large = rows[bench.sizes[0]], rows[bench.sizes[-1]]
    for title, _, _ in CALLS:
        yield ("%s, %d accounts to %d" % (title, bench.sizes[-1], bench.sizes[0]),
               large[title][0] / small[title][0], 2)
    yield "publishing %d accounts (s)" % bench.sizes[-1], large["publish"], 5
    yield "one change among %d seen (s)" % bench.sizes[-1], large["seen"] / 1e3, 0.1
    yield "new bases in %d single changes" % bench.singly, large["singly"][1], 6
    middle = bench.sizes[-2]
    yield ("resident with %d, to SSSD whole with %d" % (middle, bench.accounts),
           rows[middle]["memory"][0] / memory[0], 0.25)


def say(text):
    print("tests/bench:", text, file=sys.stderr, flush=True)


def main():
    if os.environ.get("DOMLOGON_SANDBOX") != "1":
        sys.exit("run tests/bench/run --nss")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    bench = Bench(sys.argv[1], sys.argv[2], sys.argv[3], "--quick" in sys.argv)
    rows = bench.growth()
    bench.prepare()
    try:
        bench.look_up()
        first, listing = bench.first(), bench.listing()
        memory = bench.hosts["sss"].memory()
    finally:
        bench.server.kill()
    show(bench, first, listing, rows, memory)
    seen = {NAMES[name]: {title: bench.results[(title, name, 1)][:2] for title, _, _ in CALLS
                          if (title, name, 1) in bench.results} for name in NAMES}
    with open(bench.data + "/nss.json", "w") as file:
        json.dump(seen, file, indent=1)
    with open(bench.data + "/nss.svg", "w") as file:
        file.write(plot(seen, [title for title, _, _ in CALLS]))


if __name__ == "__main__":
    main()
