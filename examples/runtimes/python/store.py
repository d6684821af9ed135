"""Accounts, sessions and counts in memory: the interfaces of `gatewit:storage`. Nothing is durable, and the trail that
a real store keeps (activity, revisions) is left out."""

import copy
import hashlib
import uuid
from operator import eq, ge, gt, le, lt

SECRETS = ("password", "token", "tfa_secret")


def mark(password_hash):
    """Changes with the password and is no help in finding it."""
    return hashlib.sha256((password_hash or "").encode()).hexdigest()[:16]


def family(token):
    return token[:22]


def family_id(token):
    return hashlib.sha256(family(token).encode()).hexdigest()[:32]


def to_value(column, plain):
    """What is in a column, as the contract has it. Of a secret a reader learns whether there is one."""
    if plain is None:
        return "null", None
    if column in SECRETS:
        return "concealed", None
    return {bool: "boolean", int: "integer", str: "text"}[type(plain)], plain


def compares(comparison, plain):
    """Nothing compares with null."""
    operator, values = comparison["operator"], [value for _, value in comparison["values"] if value is not None]
    if operator == "null" or plain is None or not values:
        return operator == "null" and plain is None
    if operator.endswith("-folded"):
        operator, plain, values = operator[:-7], plain.lower(), [value.lower() for value in values]
    if operator == "among":
        return plain in values
    texts = {"contains": str.__contains__, "starts-with": str.startswith, "ends-with": str.endswith}
    order = {"equal": eq, "less": lt, "less-or-equal": le, "greater": gt, "greater-or-equal": ge}
    return {**texts, **order}[operator](plain, values[0])


class Store:
    def __init__(self):
        self.tables = {"directus_users": [], "directus_settings": [{"id": 1, "auth_login_attempts": 25}]}
        self.sessions, self.counts = {}, {}

    def user(self, column, value):
        users = self.tables["directus_users"]
        if value is not None and column == "email":
            return next((user for user in users if user["email"].lower() == value.lower()), None)
        return next((user for user in users if value is not None and user.get(column) == value), None)

    def interfaces(self, hashes):
        """For one call. `hashes` are the passwords that were hashed in it."""
        own = {"id": "own", "source": "user", "admin": False, "app": False, "enforce_tfa": False, "addresses": []}
        readable = {("directus_users", "read"): [{"fields": ["id", "email", "status"]}]}
        return {
            "gatewit:storage/users": {
                "find": lambda id: self.user("id", id),
                "find_by_email": lambda email: self.user("email", email),
                "find_by_static_token": lambda token: self.user("token", token),
                "read": self.read_user,
            },
            "gatewit:storage/access": {
                # Everybody may read this much of the own account; administrators there are none.
                "policies": lambda user, role: [own],
                "permissions": lambda policies, *what: readable.get(what, []),
                "read_role": lambda id, columns: None,
            },
            "gatewit:storage/identities": {
                "find": lambda *_: None, "list": lambda user: [], "link": lambda *_: False, "unlink": lambda *_: False,
                "auth_data": lambda *_: None, "set_auth_data": lambda *_: None,
            },
            "gatewit:storage/sessions": self.session_functions(),
            "gatewit:storage/counters": {
                "add": self.add, "read": self.count, "clear": lambda key: self.counts.pop(key, None) and None,
            },
            "gatewit:storage/records": {
                "find": self.find, "count": lambda *what: len(self.meeting(*what)),
                "write": lambda changes, endings, author, now: self.write(changes, endings, hashes),
            },
        }

    def read_user(self, id, columns):
        found = self.user("id", id)
        names = [name for name in found or {} if columns is None or name in columns]
        return found and [{"name": name, "value": to_value(name, found[name])} for name in names]

    def session_functions(self):
        sessions = self.sessions

        def living(token, now):
            return sessions[token] if token in sessions and sessions[token]["expires_at_ms"] > now else None

        def is_open(session, now):
            return session["expires_at_ms"] > now and "successor" not in session

        def end_where(ends, now):
            ended = [sessions.pop(token) for token in list(sessions) if ends(sessions[token])]
            return sum(is_open(session, now) for session in ended)

        def end_family(token, now):
            return end_where(lambda session: family(session["token"]) == family(token), now)

        def find(token, now):
            found = living(token, now)
            return found and {**found, "user": self.user("id", found["user"]), "superseded": "successor" in found}

        def begin(session, now):
            end_where(lambda old: old["expires_at_ms"] <= now, now)
            sessions[session["token"]] = session

        def rotate(rotation, now):
            found, successor = living(rotation["token"], now), rotation["successor"]
            if not found:
                return "gone", None
            if "successor" in found:
                return "superseded", found["successor"]
            life = {"expires_at_ms": rotation["expires_at_ms"], "client": rotation["client"]}
            sessions[successor] = {**found, **life, "token": successor}
            found.update(successor=successor, expires_at_ms=rotation["grace_until_ms"])
            return "done", None

        def end_by_source(provider, identifier, session, now):
            def ends(one):
                source = one["source"] or {"provider": None}
                return source["provider"] == provider and identifier in (None, source["identifier"]) \
                    and session in (None, source["session"])
            return end_where(ends, now)

        def open_sessions(user, limit, now):
            found = [one for one in sessions.values() if is_open(one, now) and user in (None, one["user"])]
            found.sort(key=lambda one: -one["expires_at_ms"])
            provider = lambda one: (one["source"] or {}).get("provider")
            return [{**one, "id": family_id(one["token"]), "provider": provider(one)} for one in found[:limit]]

        def end_open(user, id, keep, _client, now):
            return end_where(lambda one: (user or id) and user in (None, one["user"])
                             and id in (None, family_id(one["token"])) and family_id(one["token"]) != keep, now)

        return {
            "find": find, "begin": begin, "rotate": rotate, "end_by_source": end_by_source, "end_family": end_family,
            "end": lambda token, _client, now: end_family(token, now) > 0, "open_sessions": open_sessions,
            "parting_data": lambda token: sessions.get(token, {}).get("parting_data"), "family_id": family_id,
            "end_open": end_open,
        }

    def count(self, key, now):
        return self.counts[key] if key in self.counts and self.counts[key]["expires_at_ms"] > now else None

    def add(self, key, amount, expires_at_ms, now):
        count = self.counts[key] = self.count(key, now) or {"value": 0, "expires_at_ms": expires_at_ms}
        count["value"] += amount
        return count

    def meeting(self, collection, condition):
        """The records that meet a condition, which is in postfix order."""
        stack = []
        for tag, value in condition:
            split = len(stack) - {"compare": 0, "not": 1, "related": 1}.get(tag, value)
            stack[split:] = [self.node(tag, value, stack[split:])]
        return [record for record in self.tables.get(collection, []) if not stack or stack[0](record)]

    def node(self, tag, value, parts):
        def related(record):
            here, there = record.get(value["column"]), self.tables.get(value["collection"], [])
            return here is not None and any(other.get(value["key"]) == here and parts[0](other) for other in there)
        return {
            "compare": lambda record: compares(value, record.get(value["column"])),
            "not": lambda record: not parts[0](record), "related": related,
            "all": lambda record: all(part(record) for part in parts),
            "any": lambda record: any(part(record) for part in parts),
        }[tag]

    def find(self, query):
        found = self.meeting(query["collection"], query["condition"])
        for order in reversed(query["order"]):
            found.sort(key=lambda record: str(record.get(order["column"])), reverse=order["descending"])
        end = None if query["limit"] is None else query["offset"] + query["limit"]
        return [[to_value(column, record.get(column)) for column in query["columns"]]
                for record in found[query["offset"]:end]]

    def write(self, changes, endings, hashes):
        # All or nothing: the copy takes the tables' place at the end.
        tables, ids = copy.deepcopy(self.tables), []
        for change in changes:
            records, id = tables.setdefault(change["collection"], []), change["id"] or str(uuid.uuid4())
            record = next((one for one in records if one["id"] == id), None)
            if change["action"] != "create" and not (record and all(map(self.is_met(record), change["expectations"]))):
                return "superseded", None
            plain = {one["column"]: hashes[one["input"]] if isinstance(one["input"], int) else one["input"][1]
                     for one in change["assignments"]}
            email = plain.get("email")
            if email and any(one["id"] != id and one.get("email", "").lower() == email.lower() for one in records):
                return "taken", {"collection": change["collection"], "column": "email", "value": email}
            if change["action"] == "create":
                records.append({**plain, "id": id})
            elif change["action"] == "update":
                record.update(plain)
            else:
                records.remove(record)
            ids.append(id)
        self.tables = tables
        for token, session in list(self.sessions.items()):
            if any(end["user"] == session["user"] and family(end["except"] or "") != family(token) for end in endings):
                del self.sessions[token]
        return "done", ids

    @staticmethod
    def is_met(record):
        # The package hands over the mark of a password bare, and a column with its value as a pair.
        return lambda expected: mark(record.get("password")) == expected if isinstance(expected, str) \
            else record.get(expected[0]) == expected[1][1]
