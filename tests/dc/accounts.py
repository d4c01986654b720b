"""The accounts of the controller, changed in its own database and not over the network: as fast
as that goes, and with nothing of domlogon."""
import os
import subprocess
import sys
from types import SimpleNamespace

import ldb
from samba import Ldb
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_pack, ndr_unpack
from samba.param import LoadParm
from samba.provision.sambadns import ARecord, SRVRecord
from samba.samdb import SamDB
from samba.sd_utils import SDUtils
from samba.upgradehelpers import update_machine_account_password

from bind import bind
from server import ADDRESS, DOMAIN, HOST, REALM, SECOND, SECOND_ADDRESS, WORKGROUP

FOREVER = -(2 ** 63)
DISABLED, NOT_REQUIRED, NORMAL, DONT_EXPIRE, SMARTCARD = 0x2, 0x20, 0x200, 0x10000, 0x40000
TRUSTED_FOR_DELEGATION = 0x80000
LOCKED_NOW, PASSWORD_EXPIRED = 0x10, 0x800000
# pwdLastSet takes 0 and -1 alone; with this the module that watches over it is stepped round.
ANY_TIME = "local_oid:1.3.6.1.4.1.7165.4.3.12:0"
# Who may act as others on a computer (resource-based constrained delegation).
ACTS_FOR_OTHERS = "msDS-AllowedToActOnBehalfOfOtherIdentity"
# "User-Change-Password", which an account that may not change its password is denied: to itself
# and to everyone.
CHANGE_PASSWORD = "ab721a53-1e2f-11d0-9819-00aa0040529b"


class Accounts:
    def __init__(self, folder):
        settings = LoadParm()
        settings.load(folder + "/etc/smb.conf")
        # A twin's configuration names the true one's folder, which it stands on when it runs.
        settings.set("private dir", folder + "/private")
        self.folder = folder
        self.settings = settings
        self.db = SamDB(url=folder + "/private/sam.ldb", session_info=system_session(),
                        lp=settings)
        self.base = str(self.db.domain_dn())

    # ------------------------------------------------------------ the domain

    def do_policy(self, **words):
        """Ages and durations in seconds; None for never and forever."""
        names = {"min_length": "minPwdLength", "history": "pwdHistoryLength",
                 "threshold": "lockoutThreshold"}
        spans = {"max_age": "maxPwdAge", "min_age": "minPwdAge", "window": "lockOutObservationWindow"}
        changes = {}
        for word, value in words.items():
            if word in names:
                changes[names[word]] = str(value)
            elif word in spans:
                changes[spans[word]] = str(FOREVER if value is None else -value * 10 ** 7)
            elif word == "duration":
                changes["lockoutDuration"] = "0" if value is None else str(-value * 10 ** 7)
            elif word == "complexity":
                changes["pwdProperties"] = "1" if value else "0"
            else:
                raise ValueError("no such policy: " + word)
        self.modify(ldb.Dn(self.db, self.base), **changes)

    def do_fine(self, name, members, min_length, history, max_age, min_age=0):
        """A fine-grained policy for these users and groups; ages in seconds."""
        dn = "CN=%s,CN=Password Settings Container,CN=System,%s" % (name, self.base)
        span = lambda seconds: str(-seconds * 10 ** 7)
        self.db.add({
            "dn": dn, "objectClass": "msDS-PasswordSettings",
            "msDS-PasswordSettingsPrecedence": "10",
            "msDS-PasswordReversibleEncryptionEnabled": "FALSE",
            "msDS-PasswordComplexityEnabled": "TRUE",
            "msDS-MinimumPasswordLength": str(min_length),
            "msDS-PasswordHistoryLength": str(history),
            "msDS-MinimumPasswordAge": span(min_age),
            "msDS-MaximumPasswordAge": span(max_age),
            "msDS-LockoutThreshold": "0",
            "msDS-LockoutObservationWindow": span(1800),
            "msDS-LockoutDuration": span(1800),
            "msDS-PSOAppliesTo": [str(self.find(member)) for member in members],
        })

    def do_fine_for_all(self):
        """Let hosts read the fine-grained policies, which administrators alone may as it comes."""
        container = "CN=Password Settings Container,CN=System," + self.base
        SDUtils(self.db).dacl_add_ace(container, "(A;CI;LCRPLORC;;;DC)")

    def do_services(self):
        """The names of the controller's services. samba_dnsupdate would see to them; it is off."""
        full = "%s.%s" % (HOST, DOMAIN)
        self.serve([kind + name for kind in ("ldap/", "HOST/", "GC/")
                    for name in (full, HOST.upper(), "%s/%s" % (full, DOMAIN))])

    def do_second(self, present=True):
        """Whether the DNS knows the controller's second name as one more of the domain."""
        full = "%s.%s" % (SECOND, DOMAIN)
        self.serve([kind + full for kind in ("ldap/", "HOST/", "cifs/")])
        self.serve(["ldap/%s/%s" % (full, DOMAIN)])
        _, known = self.db.dns_lookup(HOST + "." + DOMAIN)
        zone = "DC=%s,CN=MicrosoftDNS,DC=DomainDnsZones,%s" % (DOMAIN, self.base)
        dn = ldb.Dn(self.db, "DC=%s,%s" % (SECOND, zone))
        if not self.db.search(zone, expression="(dc=%s)" % SECOND, attrs=[]):
            self.db.add({"dn": dn, "objectClass": "dnsNode", "dnsRecord": ndr_pack(known[0])})
        self.db.dns_replace_by_dn(dn, [ARecord(SECOND_ADDRESS)])
        for service, port in (("_ldap._tcp", 389), ("_kerberos._tcp", 88), ("_kpasswd._tcp", 464),
                              ("_ldap._tcp.dc._msdcs", 389), ("_kerberos._tcp.dc._msdcs", 88)):
            name = "%s.%s" % (service, DOMAIN)
            records = [SRVRecord(HOST + "." + DOMAIN, port)]
            self.db.dns_replace(name, records + [SRVRecord(full, port)] * present)

    def serve(self, names):
        machine = self.find(HOST.upper() + "$")
        have = [str(name) for name in
                self.entry(machine, "servicePrincipalName").get("servicePrincipalName", ())]
        lower = {name.lower() for name in have}
        have += [name for name in names if name.lower() not in lower]
        self.modify(machine, servicePrincipalName=have)

    # ------------------------------------------------------------ users

    def do_user(self, name, password, **settings):
        """A new user; `settings` as those of `set`."""
        dn = ldb.Dn(self.db, "CN=new,CN=Users," + self.base)
        dn.set_component(0, "CN", name)
        self.db.add({
            "dn": dn,
            "objectClass": "user",
            "sAMAccountName": name,
            "userPrincipalName": "%s@%s" % (name.replace(" ", "."), DOMAIN),
            "userAccountControl": str(NORMAL),
            "unicodePwd": quoted(password),
        })
        if settings:
            self.do_set(name, **settings)

    def do_set(self, name, keep=False, **settings):
        """`keep`: a new password leaves what was asked of the account as it was."""
        dn = self.find(name)
        for setting, value in settings.items():
            getattr(self, "set_" + setting)(dn, value, keep)

    def set_password(self, dn, value, keep):
        before = int(self.entry(dn, "pwdLastSet")["pwdLastSet"][0])
        self.modify(dn, unicodePwd=quoted(value))
        if keep:
            self.modify(dn, controls=[ANY_TIME], pwdLastSet=str(before))

    def set_disabled(self, dn, value, _):
        self.flag(dn, DISABLED, value)

    def set_not_required(self, dn, value, _):
        self.flag(dn, NOT_REQUIRED, value)

    def set_dont_expire(self, dn, value, _):
        self.flag(dn, DONT_EXPIRE, value)

    def set_smartcard(self, dn, value, _):
        self.flag(dn, SMARTCARD, value)

    def set_delegation(self, dn, value, _):
        self.flag(dn, TRUSTED_FOR_DELEGATION, value)

    def set_expires(self, dn, value, _):
        self.modify(dn, accountExpires="0" if value is None else filetime(value))

    def set_hours(self, dn, value, _):
        """168 letters, 0 or 1, Sunday's first hour first; None for no limit."""
        if value is None:
            self.modify(dn, logonHours=[])
            return
        hours = bytearray(21)
        for hour, letter in enumerate(value):
            hours[hour // 8] |= (letter == "1") << hour % 8
        self.modify(dn, logonHours=bytes(hours))

    def set_workstations(self, dn, value, _):
        self.modify(dn, userWorkstations=value or [])

    def set_must_change(self, dn, value, _):
        self.modify(dn, pwdLastSet="0" if value else "-1")

    def set_password_set_at(self, dn, value, _):
        self.modify(dn, controls=[ANY_TIME], pwdLastSet=filetime(value))

    def set_cannot_change(self, dn, value, _):
        if not value:
            raise ValueError("an account that may not change its password stays so here")
        for who in ("PS", "WD"):
            SDUtils(self.db).dacl_add_ace(dn, "(OD;;CR;%s;;%s)" % (CHANGE_PASSWORD, who))

    def set_unlocked(self, dn, _value, _):
        self.modify(dn, lockoutTime="0")

    def set_creator(self, dn, value, _):
        """As if this user had made the computer, by the right that everybody has to a few."""
        maker = self.entry(self.find(value), "objectSid")["objectSid"][0]
        self.modify(dn, controls=["relax:0"], **{"mS-DS-CreatorSID": bytes(maker)})

    def set_acts_for_others(self, dn, value, _):
        """Let this account act as anybody there."""
        who = sid(self.entry(self.find(value), "objectSid")["objectSid"][0])
        rule = security.descriptor.from_sddl(
            "O:BAD:(A;;0xf01ff;;;%s)" % who, security.dom_sid(self.db.get_domain_sid()))
        self.modify(dn, **{ACTS_FOR_OTHERS: ndr_pack(rule)})

    def set_attributes(self, dn, value, _):
        """Any others, by their names in the directory."""
        self.modify(dn, **{name: [str(one) for one in (many if isinstance(many, list) else [many])]
                           for name, many in value.items()})

    def set_unchecked(self, dn, value, _):
        """The same, past the modules that look whether it may be: controllers of other versions
        let it be."""
        under = ldb.Ldb("%s/private/sam.ldb.d/%s.ldb" % (self.folder, self.base.upper()))
        own = under.search(expression="(sAMAccountName=%s)"
                           % self.entry(dn, "sAMAccountName")["sAMAccountName"][0], attrs=[])
        message = ldb.Message(own[0].dn)
        for name, text in value.items():
            message[name] = ldb.MessageElement(text, ldb.FLAG_MOD_REPLACE, name)
        under.modify(message)

    def flag(self, dn, flag, on):
        flags = int(self.entry(dn, "userAccountControl")["userAccountControl"][0])
        self.modify(dn, userAccountControl=str(flags | flag if on else flags & ~flag))

    def do_lock(self, name, times):
        """Lock it, the way it gets locked."""
        for _ in range(times):
            said = self.do_bind(name, "wrong-" + os.urandom(4).hex())
            if said != "52e":
                raise RuntimeError("a wrong password was answered with %r" % said)

    def do_bind(self, name, password, address=ADDRESS):
        """What the controller says of this password: "" for good, or the number of its refusal."""
        return bind(address, str(self.find(name)), password)

    def do_looks(self):
        """Whether Kerberos looks at the password before it refuses a disabled account: a wrong
        one is then answered as a wrong one."""
        name = "looks-" + os.urandom(4).hex()
        self.do_user(name, "Corr3ct-Horse", disabled=True)
        said = subprocess.run(
            ["kinit", name], input="a wrong password\n", text=True, timeout=20,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C", "KRB5CCNAME": "MEMORY:"}).stdout
        self.do_delete(name)
        if "revoked" in said:
            return False
        if "incorrect" in said or "Preauthentication failed" in said:
            return True
        raise RuntimeError("kinit of a disabled account: %r" % said)

    def do_show(self, name):
        entry = self.entry(
            self.find(name), "sAMAccountName", "objectSid", "userAccountControl", "badPwdCount",
            "lockoutTime", "pwdLastSet", "msDS-User-Account-Control-Computed", "memberOf",
            "servicePrincipalName", "msDS-KeyVersionNumber", "dNSHostName", "operatingSystem",
            "msDS-SupportedEncryptionTypes")
        number = lambda key: int(entry[key][0]) if key in entry else 0
        computed = number("msDS-User-Account-Control-Computed")
        domain = self.entry(ldb.Dn(self.db, self.base), "lockoutDuration")
        duration = int(domain["lockoutDuration"][0])
        locked = bool(computed & LOCKED_NOW)
        until = None
        if locked and duration:
            until = (number("lockoutTime") - duration) // 10 ** 7 - 11644473600
        return {
            "name": str(entry["sAMAccountName"][0]),
            "dn": str(entry.dn),
            "sid": sid(entry["objectSid"][0]),
            "disabled": bool(number("userAccountControl") & DISABLED),
            "locked": locked,
            "locked_until": until,
            "must_change": number("pwdLastSet") == 0,
            "password_set": number("pwdLastSet"),
            "bad_password_count": number("badPwdCount"),
            "key_version": number("msDS-KeyVersionNumber"),
            "encryption_types": number("msDS-SupportedEncryptionTypes"),
            "services": sorted(str(one) for one in entry.get("servicePrincipalName", ())),
            "groups": sorted(str(one) for one in entry.get("memberOf", ())),
        }

    def do_delete(self, name):
        self.db.delete(self.find(name), ["tree_delete:0"])

    def do_exists(self, name):
        return self.look_for(name) is not None

    # ------------------------------------------------------------ groups and computers

    def do_group(self, name, members=()):
        """A group, made if there is none, with these users and groups in it."""
        if self.look_for(name) is None:
            self.db.newgroup(name)
        group = self.find(name)
        have = {str(one).lower() for one in self.entry(group, "member").get("member", ())}
        new = [str(self.find(member)) for member in members]
        new = [dn for dn in new if dn.lower() not in have]
        if new:
            message = ldb.Message(group)
            message["member"] = ldb.MessageElement(new, ldb.FLAG_MOD_ADD, "member")
            self.db.modify(message)

    def do_computer(self, name, password=None):
        """A computer account; with a password for one that joins by itself."""
        self.db.newcomputer(name)
        if password:
            computer = self.find(name + "$")
            self.modify(computer, unicodePwd=quoted(password))
            self.flag(computer, DISABLED, False)

    def do_computers(self):
        found = self.db.search(self.base, expression="(objectClass=computer)",
                               attrs=["sAMAccountName"])
        return sorted(str(entry["sAMAccountName"][0]) for entry in found)

    def do_ou(self, name):
        dn = "OU=%s,%s" % (name, self.base)
        self.db.create_ou(dn)
        return dn

    def forge(self, name):
        """Other keys for this account. The two before are kept, so they must be others, too."""
        for _ in range(4):
            password = "Forged-1-" + os.urandom(16).hex()
            self.modify(self.find(name), unicodePwd=quoted(password))

    do_forge = forge

    def forge_controller(self):
        """Other keys for the controller itself, there and in its own secrets."""
        secrets = Ldb(self.folder + "/private/secrets.ldb", session_info=system_session(),
                      lp=self.settings)
        names = SimpleNamespace(
            netbiosname=HOST.upper(), domain=WORKGROUP, realm=REALM, dnsdomain=DOMAIN,
            domainsid=security.dom_sid(self.db.get_domain_sid()))
        for _ in range(4):
            update_machine_account_password(self.db, secrets, names)

    def do_forge_controller(self):
        """In a process of its own: the library keeps the secrets open that it saw first, and would
        write those of a twin there."""
        forge = "import sys, accounts; accounts.Accounts(sys.argv[1]).forge_controller()"
        subprocess.run([sys.executable, "-B", "-c", forge, self.folder], check=True,
                       cwd=os.path.dirname(os.path.abspath(__file__)))

    # ------------------------------------------------------------ the database

    def find(self, name):
        dn = self.look_for(name)
        if dn is None:
            raise LookupError("there is no %r" % name)
        return dn

    def look_for(self, name):
        found = self.db.search(
            self.base, expression="(sAMAccountName=%s)" % ldb.binary_encode(name), attrs=[])
        return found[0].dn if len(found) else None

    def entry(self, dn, *attributes):
        return self.db.search(dn, scope=ldb.SCOPE_BASE, attrs=list(attributes))[0]

    def modify(self, dn, controls=(), **changes):
        message = ldb.Message(dn)
        for name, value in changes.items():
            message[name] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, name)
        self.db.modify(message, controls=list(controls))


def quoted(password):
    return ('"%s"' % password).encode("utf-16-le")


def filetime(seconds):
    return str(int(seconds + 11644473600) * 10 ** 7)


def sid(data):
    return str(ndr_unpack(security.dom_sid, bytes(data)))
