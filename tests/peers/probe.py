"""What domlogon-probe says of some calls of PAM, and what of it a person and a sysadmin read."""
import re
import subprocess

# What a program goes on after.
GOES_ON = ("SUCCESS", "NEW_AUTHTOK_REQD")


class Report:
    """The calls up to the one that a program would end at."""

    def __init__(self, output):
        self.codes, self.texts, self.took, self.prompts = {}, [], {}, 0
        for line in output.splitlines():
            kind, _, rest = line.partition(" ")
            if kind == "return":
                name, _, symbol, took = rest.split(" ")
                self.codes[name] = symbol
                self.took[name] = int(took)
                if symbol not in GOES_ON:
                    break
            elif kind in ("info", "error"):
                self.say(rest)
            elif kind == "prompt":
                self.prompts += 1

    def say(self, text):
        text = re.sub(r"(\\x0a|\s)+", " ", text).strip()
        if text and text not in self.texts:
            self.texts.append(text)


class NoAnswer(Report):
    """Patience ended before the call did."""

    def __init__(self, patience):
        super().__init__("")
        self.codes = {"auth": "no answer", "acct": "no answer", "chauthtok": "no answer"}
        self.took = {"auth": patience * 1000, "acct": patience * 1000, "chauthtok": patience * 1000}


def probe(host, folder, service, user, operations, answers=(), as_user=None, patience=100,
          options=()):
    words = ["domlogon-probe", "-c", "/etc/" + folder, *options]
    for answer in answers:
        words += ["-a", answer]
    if as_user is not None:
        words = ["setpriv", "--reuid", str(as_user), "--regid", str(as_user), "--clear-groups",
                 *words]
    try:
        return Report(host.call(*words, service, user, *operations, patience=patience,
                                good=False))
    except subprocess.TimeoutExpired:
        return NoAnswer(patience)


def neutral(text, name):
    """Without what is other in each run: names, references, process ids, times."""
    text = re.sub(re.escape(name), "ann", text, flags=re.IGNORECASE)
    text = re.sub(r"\(ref [A-Z0-9]{6}\)", "(ref …)", text)
    text = re.sub(r"\bref=[A-Z0-9]{6}", "ref=…", text)
    return text.replace("|", "\\|").strip()
