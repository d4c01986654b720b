"""compare.py: what a person and a sysadmin see in each condition of an account, with
pam_winbind, pam_sss and domlogon as clients of one Samba domain controller. Prints the tables as
Markdown.

Run by tests/peers/run, inside tests/sandbox."""
import collections
import concurrent.futures
import datetime
import os
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, HERE + "/../dc"]

from accounts import Accounts  # noqa: E402
from hosts import Domlogon, Sssd, Winbind, until  # noqa: E402
from probe import neutral, probe  # noqa: E402
from server import Server  # noqa: E402

DAY = 86400
GOOD, NEW = "Corr3ct-Horse", "Battery-Staple-9"
WRONG = "Wr0ng-Password"
INTRODUCTION = """Printed by `tests/peers/run --update`, which tries the modules on one Samba %s controller in one
run: winbind %s, SSSD %s and domlogon, each module alone in its stack. First with the password by
`login`, then account management alone by `sshd`, as after an ssh key. **in** is SUCCESS; the texts are
what people read besides the prompts. As Debian sets them up (pam_winbind with `krb5_auth`; what is other
without it is said, but was not tried with the controller away), with offline logons turned on in all.
Each account is called ann here, and lines of logs are shortened (…); SSSD's own logs are at their
usual level.
"""
RIGHTS = '[rights]\n%s' % "".join(
    'SeDeny%sLogonRight = ["contractors"]\n' % way for way in ("Interactive", "Network"))
NOT_CONTRACTORS = "ad_access_filter = (!(memberOf=CN=contractors,CN=Users,DC=corp,DC=example))"
# Where an ssh key comes from. No name: libpam itself asks the DNS for one, and that is away too.
CLIENT = "192.0.2.7"
# How long a call may take before it is given up, and how long the return is waited for.
PATIENCE, RETURN = 120, 150


def not_now():
    """All hours of the week but those around now."""
    now = datetime.datetime.now(datetime.timezone.utc)
    hour = (now.isoweekday() % 7) * 24 + now.hour
    return "".join("0" if (index - hour + 2) % 168 < 5 else "1" for index in range(168))


# Condition, settings of tests/dc/accounts.py, the password that is typed.
CONDITIONS = [
    ("all is well", {}, GOOD),
    ("wrong password", {}, WRONG),
    ("unknown user", None, GOOD),
    ("must change the password", {"must_change": True}, GOOD),
    ("password expired", {"password_set_at": -60 * DAY}, GOOD),
    ("… and may not be changed", {"password_set_at": -60 * DAY, "cannot_change": True}, GOOD),
    ("password expires in 3 days", {"password_set_at": -39 * DAY + 3600}, GOOD),
    ("disabled", {"disabled": True}, GOOD),
    ("account expired", {"expires": -2 * DAY}, GOOD),
    ("locked", "lock", GOOD),
    ("outside the logon hours", {"hours": not_now()}, GOOD),
    ("other workstations only", {"workstations": "OTHER1,OTHER2"}, GOOD),
    ("smart card required", {"smartcard": True}, GOOD),
    ("no right on this host", "contractor", GOOD),
]
CHANGES = [
    ("good", {}, GOOD, NEW),
    ("too short", {}, GOOD, "Ab1!x"),
    ("too simple", {}, GOOD, "aaaaaaaaaaaa"),
    ("used before", "history", GOOD, "Us3d-Before-1"),
    ("changed today already", {"password_set_at": -3600}, GOOD, NEW),
    ("may not be changed", {"cannot_change": True}, GOOD, NEW),
    ("current one wrong", {}, WRONG, NEW),
    ("the two entries differ", {}, GOOD, None),
    ("account locked", "lock", GOOD, NEW),
    ("account disabled", {"disabled": True}, GOOD, NEW),
]


class Way:
    """A module on its host, as it is compared."""

    def __init__(self, number, host, folder, refuses_in=None):
        self.number, self.host, self.folder = number, host, folder
        # Where contractors are refused, if by other options.
        self.refuses_in = refuses_in or folder

    def name(self, place):
        return "u%02d%d" % (place, self.number)


class Comparison:
    def __init__(self):
        self.server = Server("/run/dc")
        say("a domain controller")
        self.server.do_start()
        self.accounts = Accounts("/run/dc")
        self.accounts.do_services()
        # A change is too recent on the same day; all others are made to be older.
        self.accounts.do_policy(min_length=8, history=24, complexity=True, max_age=42 * DAY,
                                min_age=DAY, threshold=5, duration=1800, window=1800)
        for group in ("staff", "contractors"):
            self.accounts.do_group(group)
        self.hosts = hosts = []
        for kind, name in ((Winbind, "ws1"), (Sssd, "ws2"), (Domlogon, "ws3")):
            say("%s joins with %s" % (name, kind.__name__.lower()))
            host = kind(name, "/run/hosts")
            hosts.append(host)
            more = {Sssd: {"more": NOT_CONTRACTORS}, Domlogon: {"rights": RIGHTS}}
            host.join(**more.get(kind, {}))
        winbind, sssd, domlogon = hosts
        self.ways = [Way(1, winbind, "single", "staff"), Way(2, winbind, "plain", "plain-staff"),
                     Way(3, sssd, "single"), Way(4, domlogon, "single")]
        self.place = 10

    # ------------------------------------------------------------ accounts

    def account(self, name, settings):
        if settings is None:
            return
        self.accounts.do_user(name, GOOD)
        if settings == "contractor":
            self.accounts.do_group("contractors", [name])
            settings = {}
        if settings == "history":
            for password in ("Us3d-Before-1", GOOD):
                self.accounts.do_set(name, password=password)
            settings = {}
        locks = settings == "lock"
        settings = {} if locks else dict(settings)
        settings.setdefault("password_set_at", -2 * DAY)
        if "must_change" in settings or "smartcard" in settings:
            del settings["password_set_at"]
        for key in ("password_set_at", "expires"):
            if key in settings:
                settings[key] += time.time()
        self.accounts.do_set(name, **settings)
        if locks:
            self.accounts.do_lock(name, 5)

    def everyone(self, settings):
        """An account in this condition for each way."""
        self.place += 1
        names = [way.name(self.place) for way in self.ways]
        for name in names:
            self.account(name, settings)
        return names

    def each(self, work, *lists, only_first=False):
        """The ways side by side; what shares a host, one after the other."""
        def of_host(host):
            found = []
            for index, way in enumerate(self.ways):
                if way.host is host:
                    # Its second way would wait for the same.
                    again = only_first and found
                    result = found[0][1] if again else work(
                        way, *(items[index] for items in lists))
                    found.append((index, result))
            return found
        with concurrent.futures.ThreadPoolExecutor() as pool:
            parts = list(pool.map(of_host, self.hosts))
        return [result for _, result in sorted(sum(parts, []), key=lambda pair: pair[0])]

    # ------------------------------------------------------------ logons

    def logon(self, way, name, password, contractor=False, patience=PATIENCE):
        folder = way.refuses_in if contractor else way.folder
        way.host.logs()
        report = probe(way.host, folder, "login", name, ["auth", "acct"], [password],
                       patience=patience)
        log = way.host.logs()
        key = probe(way.host, folder, "sshd", name, ["acct"], patience=patience,
                    options=["-r", CLIENT])
        return report, key, log

    def conditions(self):
        rows = []
        for what, settings, password in CONDITIONS:
            say(what)
            names = self.everyone(settings)
            contractor = settings == "contractor"
            results = self.each(lambda way, name: self.logon(way, name, password, contractor),
                                names)
            rows.append((what, [
                Cell(name, *result, is_well=settings == {}) for name, result in zip(names, results)]))
        return rows

    # ------------------------------------------------------------ changes

    def change(self, way, name, old, new):
        way.host.logs()
        second = new or "Another-Entry-7"
        report = probe(way.host, way.folder, "passwd", name, ["chauthtok"],
                       [old, new or NEW, second], as_user=self.uid(way, name))
        return report, way.host.logs()

    def uid(self, way, name):
        return way.host.uid(name)

    def changes(self):
        rows = []
        for what, settings, old, new in CHANGES:
            say("change: " + what)
            names = self.everyone(settings)
            results = self.each(lambda way, name: self.change(way, name, old, new), names)
            rows.append((what, [Change(name, *result) for name, result in zip(names, results)]))
        say("change: at the logon")
        names = self.everyone({"must_change": True})
        results = self.each(lambda way, name: (probe(
            way.host, way.folder, "login", name, ["auth", "acct", "expired"],
            [GOOD] * (1 + self.asks_again(way)) + [NEW, NEW]), []), names)
        rows.append(("at the logon, when it must be",
                     [Change(name, *result) for name, result in zip(names, results)]))
        return rows

    @staticmethod
    def asks_again(way):
        return not isinstance(way.host, Domlogon)

    # ------------------------------------------------------------ no controller

    def outages(self):
        known, changing = self.everyone({}), self.everyone({})
        unknown, newer = self.everyone({}), self.everyone({})
        self.each(lambda way, name: self.logon(way, name, GOOD), known)
        # Known to NSS, and never logged on.
        for names in (unknown, newer):
            self.each(lambda way, name: way.host.knows(name), names)
        uids = self.each(self.uid, changing)
        rows = []

        def row(what, names, password=GOOD, patience=PATIENCE):
            say(what)
            results = self.each(
                lambda way, name: self.logon(way, name, password, patience=patience), names,
                only_first=True)
            rows.append((what, [Cell(name, *result, timed=True)
                                for name, result in zip(self.shown(names), results)]))

        self.server.do_stop()
        row("controller stopped; has logged on here before", known)
        row("… and the password is wrong", known, WRONG)
        row("… never logged on here", unknown)
        say("a change with the controller stopped")
        results = self.each(lambda way, name, uid: (probe(
            way.host, way.folder, "passwd", name, ["chauthtok"], [GOOD, NEW, NEW], as_user=uid),
            []), changing, uids, only_first=True)
        change = ("controller stopped", [
            Change(name, *result) for name, result in zip(self.shown(changing), results)])
        rows.append(self.back("it comes back: logons work after", unknown, self.server.do_start))
        self.everybody_online(unknown)
        self.server.do_freeze()
        row("controller frozen: the first logon; has logged on here before", known)
        row("… the next one", known)
        row("… never logged on here", newer)
        rows.append(self.back("it goes on: logons work after", newer, self.server.do_thaw))
        return rows, change

    def shown(self, names):
        """The names in the answers, where only the first way of a host was tried."""
        return [next(other for way, other in zip(self.ways, names) if way.host is mine.host)
                for mine in self.ways]

    def back(self, what, names, come_back):
        say(what)
        come_back()
        start = time.monotonic()

        def wait(way, name):
            while time.monotonic() - start < RETURN:
                report = probe(way.host, way.folder, "login", name, ["auth"], [GOOD],
                               patience=RETURN)
                if report.codes.get("auth") == "SUCCESS":
                    return "%d s" % round(time.monotonic() - start)
                time.sleep(1)
            return "not in %d s" % RETURN
        return what, [Plain(text) for text in self.each(wait, names, only_first=True)]

    def everybody_online(self, names):
        for host in self.hosts:
            host.look_again()
        for way, name in zip(self.ways, names):
            until(lambda: probe(way.host, way.folder, "login", name, ["auth"], [GOOD])
                  .codes.get("auth") == "SUCCESS", "%s to be online" % way.host.name, 200)


# ---------------------------------------------------------------- cells

class Plain:
    def __init__(self, text):
        self.text = text

    def shown(self):
        return self.text


class Cell:
    """A logon: the two codes, what is read, and the code after a key."""

    def __init__(self, name, report, key, log, timed=False, is_well=False):
        self.name, self.report, self.key = name, report, key
        self.timed, self.is_well = timed, is_well
        self.log = [neutral(line, name) for line in log]

    def is_in(self):
        return self.report.codes.get("auth") == "SUCCESS"

    def shown(self):
        codes, took = self.report.codes, self.report.took
        code = codes.get("auth", "?")
        if code == "SUCCESS":
            code = codes.get("acct", "?")
        with_password = self.answer(code, self.report, took.get("auth", 0), self.timed)
        code, took = self.key.codes.get("acct", "?"), self.key.took.get("acct", 0)
        by_key = self.answer(code, self.key, took, self.timed and took > 500)
        if not self.timed and by_key == with_password:
            by_key = "the same"
        if self.report.codes.get("auth") == "AUTH_ERR" and by_key == "**in**" and self.is_well:
            # A wrong password says nothing about the account.
            return with_password
        return "%s<br>key: %s" % (with_password, by_key)

    def answer(self, code, report, took, timed):
        text = {"SUCCESS": "**in**", "NEW_AUTHTOK_REQD": "**in**, NEW_AUTHTOK_REQD"}.get(code, code)
        if timed:
            text += " after %.1f s" % (took / 1000)
        return text + quoted(report, self.name)


class Change:
    def __init__(self, name, report, log):
        self.name, self.report = name, report
        self.log = [neutral(line, name) for line in log]

    def shown(self):
        codes = self.report.codes
        return codes.get("expired", codes.get("chauthtok", "?")) + quoted(self.report, self.name)


def quoted(report, name):
    # No break: each text was a message of its own.
    return "".join(" “%s”" % neutral(text, name) for text in report.texts
                   if not text.startswith("Changing password for"))


# ---------------------------------------------------------------- tables

def merged(first, second):
    """pam_winbind, and what is other without krb5_auth."""
    one, two = first.shown(), second.shown()
    return one if one == two else "%s<br>*without krb5_auth:* %s" % (one, two)


def table(title, rows):
    cells = [[merged(winbind, plain), sssd.shown(), domlogon.shown()]
             for _, (winbind, plain, sssd, domlogon) in rows]
    notes = repeated(cells)
    lines = ["| %s | pam_winbind | pam_sss | domlogon |" % title, "|---|---|---|---|"]
    for (what, _), three in zip(rows, cells):
        for mark, text in notes:
            three = [cell.replace("“%s”" % text, mark) for cell in three]
        lines.append("| %s | %s |" % (what, " | ".join(three)))
    lines += ["", *("%s “%s”<br>" % note for note in notes)]
    return "\n".join(lines).rstrip() + "\n"


def repeated(rows):
    """Long texts of several cells, and what stands for each in the table."""
    counts = collections.Counter(
        text for cells in rows for cell in cells for text in set(re.findall("“(.*?)”", cell)))
    texts = [text for text, count in counts.items() if count > 2 and len(text) > 60]
    return list(zip("ᵃᵇᶜᵈᵉᶠᵍ", texts))


def log_table(rows):
    lines = ["| the log | pam_winbind | pam_sss | domlogon |", "|---|---|---|---|"]
    for what, (winbind, _, sssd, domlogon) in rows:
        if not hasattr(winbind, "log"):
            continue
        lines.append("| %s | %s | %s | %s |" % (what, *(
            "<br>".join("`%s`" % line for line in telling(cell)) or "nothing"
            for cell in (winbind, sssd, domlogon))))
    return "\n".join(lines) + "\n"


# Lines of a log that say nothing about the one logon.
NOISE = r"getting password|no default config other|BACKTRACE|backtrace|^\S+: *(\*|$)"
# What is left out of the others, and what stands for it.
SHORT = [
    (r"^syslog: (<\d+>)?(\w{3} +\d+ [\d:]+ )?", ""),
    (r"^(\S+)\.log: \(.*?\): \[.*\[-\d+\]\[(.*)\]$", r"\1: \2"),
    (r"^(\S+)\.log: \(.*?\): (\[\S+\]) (\[\S+\]).*\]", r"\1:"),
    (r"domlogon-probe *: |\[\d+\]|\(0x[0-9a-f]+\)", ""),
    (r" uid=\d+ service=.*?(?= verdict)| service=.*?(?= verdict)", " …"),
    (r" (rights=|ref=…).*$", " …"),
    (r"request wbcLogonUser failed: .*NTSTATUS: (\w+),.*", r"\1"),
    (r"logname=.*user=", "… user="),
    (r"\s+", " "),
]


def telling(cell):
    """What a log says about the one logon, shortened."""
    found = []
    for line in cell.log:
        # The account was asked about all the same; a program would not have.
        if re.search(NOISE, line) or not cell.is_in() and re.search(r"account[):]", line):
            continue
        for pattern, short in SHORT:
            line = re.sub(pattern, short, line)
        line = line.replace("`", "'").strip(" :")
        if line and line not in found:
            found.append(line)
    return found


def versions():
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n", "winbind", "sssd-ad",
                           "samba-ad-dc"], stdout=subprocess.PIPE, text=True, check=False)
    return dict(line.split(" ") for line in done.stdout.splitlines())


def say(text):
    print("tests/peers:", text, file=sys.stderr, flush=True)


def main():
    if os.environ.get("DOMLOGON_SANDBOX") != "1":
        sys.exit("run tests/peers/run")
    comparison = Comparison()
    try:
        conditions = comparison.conditions()
        changes = comparison.changes()
        outages, change = comparison.outages()
    finally:
        comparison.server.kill()
    found = versions()
    text = "\n".join([
        INTRODUCTION % tuple(
            found.get(name, "?").split("-")[0].split("+")[0].split(":")[-1]
            for name in ("samba-ad-dc", "winbind", "sssd-ad")),
        table("a logon by password; by ssh key", conditions),
        table("no controller", outages),
        table("a new password", [*changes, change]),
        log_table(conditions),
    ])
    print(text)


if __name__ == "__main__":
    main()
