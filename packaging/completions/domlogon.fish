# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_domlogon_global_optspecs
    string join \n json h/help V/version
end

function __fish_domlogon_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_domlogon_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_domlogon_using_subcommand
    set -l cmd (__fish_domlogon_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c domlogon -n "__fish_domlogon_needs_command" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_needs_command" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_needs_command" -s V -l version -d 'Print version'
complete -c domlogon -n "__fish_domlogon_needs_command" -f -a "setup" -d 'Make a domain and its first administrator on this host'
complete -c domlogon -n "__fish_domlogon_needs_command" -f -a "join" -d 'Join this host to a domain of Active Directory or Samba AD'
complete -c domlogon -n "__fish_domlogon_needs_command" -f -a "leave" -d 'Take this host out of its domain again'
complete -c domlogon -n "__fish_domlogon_needs_command" -f -a "testjoin" -d 'See whether this host is joined as it should be, and how to mend what is not'
complete -c domlogon -n "__fish_domlogon_needs_command" -f -a "user" -d 'Make, change, show and delete accounts'
complete -c domlogon -n "__fish_domlogon_needs_command" -f -a "group" -d 'Make, show and delete groups, and change who is in them'
complete -c domlogon -n "__fish_domlogon_needs_command" -f -a "policy" -d 'Show and change the rules for passwords and lockouts'
complete -c domlogon -n "__fish_domlogon_needs_command" -f -a "rights" -d 'Show, give and take the rights to log on to this host, and try a change first'
complete -c domlogon -n "__fish_domlogon_needs_command" -f -a "explain" -d 'Show step by step what a logon would get, without a password and without any effect'
complete -c domlogon -n "__fish_domlogon_needs_command" -f -a "status" -d 'Show how the daemon, its account database, its confinement and its logon rights are'
complete -c domlogon -n "__fish_domlogon_needs_command" -f -a "check" -d 'Judge a configuration file, or a file of logon rights, before the daemon uses it'
complete -c domlogon -n "__fish_domlogon_needs_command" -f -a "enable" -d 'Turn domlogon on: put it into PAM\'s stacks and nsswitch.conf, prove that nobody is locked out, and go back if it is not so'
complete -c domlogon -n "__fish_domlogon_needs_command" -f -a "confirm" -d 'Keep what `domlogon enable --confirm TIME` has turned on. Said from a new logon'
complete -c domlogon -n "__fish_domlogon_needs_command" -f -a "disable" -d 'Turn domlogon off: take it out of PAM\'s stacks and nsswitch.conf again'
complete -c domlogon -n "__fish_domlogon_needs_command" -f -a "doctor" -d 'Read this host, and say what is wrong and how to mend it. Changes nothing'
complete -c domlogon -n "__fish_domlogon_using_subcommand setup" -l domain -d 'The domain\'s short name, as in CORP\\alice: at most 15 characters, no blank, no dot' -r
complete -c domlogon -n "__fish_domlogon_using_subcommand setup" -l dns-name -d 'The domain\'s DNS name, if not the one that is guessed from this host\'s' -r
complete -c domlogon -n "__fish_domlogon_using_subcommand setup" -l administrator -d 'The first administrator; no user of this host\'s own' -r
complete -c domlogon -n "__fish_domlogon_using_subcommand setup" -l password-stdin -d 'Read the administrator\'s password from standard input: one line'
complete -c domlogon -n "__fish_domlogon_using_subcommand setup" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand setup" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand join" -l user -d 'The user of the domain by whose right the host is joined' -r
complete -c domlogon -n "__fish_domlogon_using_subcommand join" -l ou -d 'The organizational unit for a new account, such as OU=Servers,OU=Berlin, if not the domain\'s container for computers' -r
complete -c domlogon -n "__fish_domlogon_using_subcommand join" -l name -d 'The name of the computer\'s account, if not this host\'s own: at most 15 characters' -r
complete -c domlogon -n "__fish_domlogon_using_subcommand join" -l server -d 'A domain controller, by its full name, and no other; may be given again for one more. It is kept in the configuration' -r
complete -c domlogon -n "__fish_domlogon_using_subcommand join" -l site -d 'The site of this host, if not the one that a domain controller says. It is kept in the configuration' -r
complete -c domlogon -n "__fish_domlogon_using_subcommand join" -l one-time-password -d 'The account was made in advance: what is asked for is its one-time password'
complete -c domlogon -n "__fish_domlogon_using_subcommand join" -l take-over -d 'Take an account of this name that another host may be using, or that a user without rights of his own has made; where this host is joined already, give it another password'
complete -c domlogon -n "__fish_domlogon_using_subcommand join" -l password-stdin -d 'Read the password from standard input: one line'
complete -c domlogon -n "__fish_domlogon_using_subcommand join" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand join" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand leave" -l user -d 'A user of the domain by whose right the account is deleted' -r
complete -c domlogon -n "__fish_domlogon_using_subcommand leave" -l local -d 'Only forget the domain here; the account stays in the directory'
complete -c domlogon -n "__fish_domlogon_using_subcommand leave" -l password-stdin -d 'Read the password from standard input: one line'
complete -c domlogon -n "__fish_domlogon_using_subcommand leave" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand leave" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand testjoin" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand testjoin" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and not __fish_seen_subcommand_from add set password unlock show delete list import" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and not __fish_seen_subcommand_from add set password unlock show delete list import" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and not __fish_seen_subcommand_from add set password unlock show delete list import" -f -a "add" -d 'Make an account. Without a password it is disabled until it has one'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and not __fish_seen_subcommand_from add set password unlock show delete list import" -f -a "set" -d 'Change settings of an account; what is not named stays as it is'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and not __fish_seen_subcommand_from add set password unlock show delete list import" -f -a "password" -d 'Set a new password, without the old one'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and not __fish_seen_subcommand_from add set password unlock show delete list import" -f -a "unlock" -d 'End a lockout, and forget the wrong passwords that were counted'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and not __fish_seen_subcommand_from add set password unlock show delete list import" -f -a "show" -d 'Show an account'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and not __fish_seen_subcommand_from add set password unlock show delete list import" -f -a "delete" -d 'Delete an account'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and not __fish_seen_subcommand_from add set password unlock show delete list import" -f -a "list" -d 'List all accounts'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and not __fish_seen_subcommand_from add set password unlock show delete list import" -f -a "import" -d 'Make many accounts from a file, with their passwords: all of them, or on an error none'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from add" -l full-name -d 'The person\'s name. No part of it may be in the password' -r
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from add" -l uid -d 'The user id, if not the next one of the configured range' -r
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from add" -l home -d 'The home directory, if not the configured one' -r
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from add" -l shell -d 'The login shell, if not the configured one' -r
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from add" -l must-change -d 'Demand a new password at the next logon'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from add" -l password-stdin -d 'Read the password from standard input: one line'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from add" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from set" -l disabled -d 'Whether every logon is refused' -r -f -a "yes\t''
no\t''"
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from set" -l expires -d 'When the account ends: TIME (a date means the end of that day) or never' -r
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from set" -l hours -d 'When logons are allowed: such as \'Mon-Fri 08:00-18:00\', always or never' -r
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from set" -l workstations -d 'The hosts that allow this account: names with commas between, or any' -r
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from set" -l must-change -d 'Whether a new password is demanded at the next logon' -r -f -a "yes\t''
no\t''"
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from set" -l cannot-change -d 'Whether the user is kept from changing the password' -r -f -a "yes\t''
no\t''"
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from set" -l password-never-expires -d 'Whether the greatest age of the policy is not for this password' -r -f -a "yes\t''
no\t''"
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from set" -l password-not-required -d 'Whether the account may have a short or blank password (blank: at the console only)' -r -f -a "yes\t''
no\t''"
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from set" -l password-set-at -d 'When the password counts as set: TIME, not in the future' -r
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from set" -l full-name -d 'The person\'s name' -r
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from set" -l home -d 'The home directory' -r
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from set" -l shell -d 'The login shell' -r
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from set" -l force -d 'Go on even if no administrator is left who is enabled, not expired, and has a password and logon hours'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from set" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from password" -l stdin -d 'Read the password from standard input: one line'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from password" -l must-change -d 'Demand another password at the next logon'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from password" -l unlock -d 'End a lockout too'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from password" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from password" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from unlock" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from unlock" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from show" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from delete" -l force -d 'Go on even if no administrator is left who is enabled, not expired, and has a password and logon hours'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from delete" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from list" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from import" -l format -d 'How to read the file, if its first line does not show it' -r -f -a "csv\t'A table with a line of column names'
passwd\t'Lines as in /etc/passwd or /etc/shadow'"
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from import" -l shadow -d 'The shadow file that belongs to a file of passwd lines' -r -F
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from import" -l uids -d 'Leave out lines with other user ids, such as those of the system\'s own accounts' -r
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from import" -l dry-run -d 'Say what would be made and what is wrong, and change nothing'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from import" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand user; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c domlogon -n "__fish_domlogon_using_subcommand group; and not __fish_seen_subcommand_from add show delete list add-member remove-member" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand group; and not __fish_seen_subcommand_from add show delete list add-member remove-member" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand group; and not __fish_seen_subcommand_from add show delete list add-member remove-member" -f -a "add" -d 'Make a group'
complete -c domlogon -n "__fish_domlogon_using_subcommand group; and not __fish_seen_subcommand_from add show delete list add-member remove-member" -f -a "show" -d 'Show a group and its direct members'
complete -c domlogon -n "__fish_domlogon_using_subcommand group; and not __fish_seen_subcommand_from add show delete list add-member remove-member" -f -a "delete" -d 'Delete a group; its members stay'
complete -c domlogon -n "__fish_domlogon_using_subcommand group; and not __fish_seen_subcommand_from add show delete list add-member remove-member" -f -a "list" -d 'List all groups'
complete -c domlogon -n "__fish_domlogon_using_subcommand group; and not __fish_seen_subcommand_from add show delete list add-member remove-member" -f -a "add-member" -d 'Put users and groups into a group: all of them, or on an error none'
complete -c domlogon -n "__fish_domlogon_using_subcommand group; and not __fish_seen_subcommand_from add show delete list add-member remove-member" -f -a "remove-member" -d 'Take users and groups out of a group: all of them, or on an error none'
complete -c domlogon -n "__fish_domlogon_using_subcommand group; and __fish_seen_subcommand_from add" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand group; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand group; and __fish_seen_subcommand_from show" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand group; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand group; and __fish_seen_subcommand_from delete" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand group; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand group; and __fish_seen_subcommand_from list" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand group; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand group; and __fish_seen_subcommand_from add-member" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand group; and __fish_seen_subcommand_from add-member" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand group; and __fish_seen_subcommand_from remove-member" -l force -d 'Go on even if no administrator is left who is enabled, not expired, and has a password and logon hours'
complete -c domlogon -n "__fish_domlogon_using_subcommand group; and __fish_seen_subcommand_from remove-member" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand group; and __fish_seen_subcommand_from remove-member" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand policy; and not __fish_seen_subcommand_from show set" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand policy; and not __fish_seen_subcommand_from show set" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand policy; and not __fish_seen_subcommand_from show set" -f -a "show" -d 'Show the policy'
complete -c domlogon -n "__fish_domlogon_using_subcommand policy; and not __fish_seen_subcommand_from show set" -f -a "set" -d 'Change settings of the policy; what is not named stays as it is'
complete -c domlogon -n "__fish_domlogon_using_subcommand policy; and __fish_seen_subcommand_from show" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand policy; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand policy; and __fish_seen_subcommand_from set" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand policy; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand rights; and not __fish_seen_subcommand_from list grant revoke test simulate" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand rights; and not __fish_seen_subcommand_from list grant revoke test simulate" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand rights; and not __fish_seen_subcommand_from list grant revoke test simulate" -f -a "list" -d 'Show who has which right, and where each list comes from'
complete -c domlogon -n "__fish_domlogon_using_subcommand rights; and not __fish_seen_subcommand_from list grant revoke test simulate" -f -a "grant" -d 'Give a right: put users and groups into its list in rights.toml'
complete -c domlogon -n "__fish_domlogon_using_subcommand rights; and not __fish_seen_subcommand_from list grant revoke test simulate" -f -a "revoke" -d 'Take a right away: take users and groups out of its list in rights.toml'
complete -c domlogon -n "__fish_domlogon_using_subcommand rights; and not __fish_seen_subcommand_from list grant revoke test simulate" -f -a "test" -d 'Show by which entry, and through which groups, somebody has a right or has not'
complete -c domlogon -n "__fish_domlogon_using_subcommand rights; and not __fish_seen_subcommand_from list grant revoke test simulate" -f -a "simulate" -d 'Try a changed rights.toml against the logons of the last days, before it is in force'
complete -c domlogon -n "__fish_domlogon_using_subcommand rights; and __fish_seen_subcommand_from list" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand rights; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand rights; and __fish_seen_subcommand_from grant" -l file -d 'The file, where domlogond was started with another configuration: its rights.toml is beside that' -r -F
complete -c domlogon -n "__fish_domlogon_using_subcommand rights; and __fish_seen_subcommand_from grant" -l force -d 'Go on even if no administrator could log on locally any more'
complete -c domlogon -n "__fish_domlogon_using_subcommand rights; and __fish_seen_subcommand_from grant" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand rights; and __fish_seen_subcommand_from grant" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand rights; and __fish_seen_subcommand_from revoke" -l file -d 'The file, where domlogond was started with another configuration: its rights.toml is beside that' -r -F
complete -c domlogon -n "__fish_domlogon_using_subcommand rights; and __fish_seen_subcommand_from revoke" -l force -d 'Go on even if no administrator could log on locally any more'
complete -c domlogon -n "__fish_domlogon_using_subcommand rights; and __fish_seen_subcommand_from revoke" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand rights; and __fish_seen_subcommand_from revoke" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand rights; and __fish_seen_subcommand_from test" -l service -d 'By which PAM service, such as login, sshd or cron' -r
complete -c domlogon -n "__fish_domlogon_using_subcommand rights; and __fish_seen_subcommand_from test" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand rights; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand rights; and __fish_seen_subcommand_from simulate" -l since -d 'Since when: so long ago, such as 7d or 12h, or a TIME such as 2026-12-31' -r
complete -c domlogon -n "__fish_domlogon_using_subcommand rights; and __fish_seen_subcommand_from simulate" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand rights; and __fish_seen_subcommand_from simulate" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand explain" -l service -d 'By which PAM service, such as login, sshd, su, sudo or cron' -r
complete -c domlogon -n "__fish_domlogon_using_subcommand explain" -l at -d 'As of when, if not now: TIME' -r
complete -c domlogon -n "__fish_domlogon_using_subcommand explain" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand explain" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand status" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand status" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand check" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand check" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand enable" -l confirm -d 'Go back to the old state by itself, unless `domlogon confirm` is said from a new logon within this time: such as 120s or 5m; 20s to 1d' -r
complete -c domlogon -n "__fish_domlogon_using_subcommand enable" -l dry-run -d 'Show what would be changed, and change nothing'
complete -c domlogon -n "__fish_domlogon_using_subcommand enable" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand enable" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand confirm" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand confirm" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand disable" -l dry-run -d 'Show what would be changed, and change nothing'
complete -c domlogon -n "__fish_domlogon_using_subcommand disable" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand disable" -s h -l help -d 'Print help'
complete -c domlogon -n "__fish_domlogon_using_subcommand doctor" -l root -d 'Look at the files of another root tree; nothing that runs is asked' -r -F
complete -c domlogon -n "__fish_domlogon_using_subcommand doctor" -l json -d 'Answer in JSON: names in snake_case, times in RFC 3339 and UTC'
complete -c domlogon -n "__fish_domlogon_using_subcommand doctor" -s h -l help -d 'Print help'
