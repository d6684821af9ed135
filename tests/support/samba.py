"""An Active Directory domain controller of Samba on loopback: provisioned, with people, groups and rules about locks.

It says `ready` once it listens. Each line that it reads then is LDIF as JSON, which it applies and answers with `done`. It
ends with its standard input, and the server with it.
"""

import json
import os
import subprocess
import sys
import time

sys.path.insert(0, "/usr/lib/python3/dist-packages")

FOLDER, ADDRESS = os.environ["FOLDER"], os.environ["ADDRESS"]
CONFIGURATION = f"{FOLDER}/etc/smb.conf"
DOMAIN = "DC=ad,DC=example,DC=com"
# An hour, in ticks of 100 ns, which are negative here.
HOUR = -36_000_000_000


def options():
    settings = {
        "interfaces": f"{ADDRESS}/8",
        "bind interfaces only": "yes",
        "server services": "ldap",
        "ldap server require strong auth": "no",
        "tls enabled": "yes",
        "tls keyfile": os.environ["KEY"],
        "tls certfile": os.environ["CERTIFICATE"],
        "tls cafile": os.environ["AUTHORITY"],
        "pid directory": FOLDER,
        "log file": f"{FOLDER}/log",
        "lock directory": f"{FOLDER}/state",
        "ncalrpc dir": f"{FOLDER}/ncalrpc",
    }
    return [f"--option={name}={value}" for name, value in settings.items()]


def provision():
    subprocess.run(
        [
            *[sys.executable, "/usr/bin/samba-tool", "domain", "provision", "--realm=AD.EXAMPLE.COM", "--domain=AD"],
            *["--adminpass=Adm1n-Passw0rd", "--server-role=dc", "--dns-backend=NONE", f"--host-ip={ADDRESS}"],
            *[f"--targetdir={FOLDER}", "--host-name=dc1", f"--option=interfaces={ADDRESS}/8"],
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": "/usr/lib/python3/dist-packages"},
    )


def database():
    from samba.auth import system_session
    from samba.param import LoadParm
    from samba.samdb import SamDB

    parameters = LoadParm()
    parameters.load(CONFIGURATION)
    return SamDB(url=f"{FOLDER}/private/sam.ldb", session_info=system_session(), lp=parameters)


def fill(directory):
    directory.modify_ldif(
        f"""dn: {DOMAIN}
changetype: modify
replace: pwdProperties
pwdProperties: 0
-
replace: minPwdLength
minPwdLength: 4
-
replace: lockoutThreshold
lockoutThreshold: 3
-
replace: lockoutDuration
lockoutDuration: {HOUR}
-
replace: lockOutObservationWindow
lockOutObservationWindow: {HOUR}
"""
    )
    for name in ["directus", "alice", "bob", "carol", "dave", "erin"]:
        directory.newuser(
            name,
            f"{name}-pw",
            givenname=name.capitalize(),
            surname="Ad",
            mailaddress=f"{name}@ad.example.com",
            useusernameascn=True,
        )
    for group, members in {"inner": ["alice"], "middle": ["inner"], "outer": ["middle"], "plain": ["bob"]}.items():
        directory.newgroup(group)
        directory.add_remove_group_members(group, members, add_members_operation=True)


def wait():
    import socket

    for _ in range(600):
        try:
            socket.create_connection((ADDRESS, 636), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit("it does not listen")


provision()
directory = database()
fill(directory)
server = subprocess.Popen(
    ["/usr/sbin/samba", "-i", "-M", "single", f"--configfile={CONFIGURATION}", *options()],
    stdin=subprocess.PIPE,
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
)
wait()
print("ready", flush=True)
for line in sys.stdin:
    directory.modify_ldif(json.loads(line))
    print("done", flush=True)
server.kill()
