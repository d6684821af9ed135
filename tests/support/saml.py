"""An identity provider on loopback, made of pysaml2. Whoever comes is signed in as the person, and is in the groups, that cookies name.

It prints its port, reads what we are from our metadata, and tells no more than a browser sees.
"""

import base64
import html
import http.server
import json
import os
import sys
import threading
import urllib.parse
import urllib.request

import saml2.entity
import saml2.sigver
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAME_FORMAT_URI, NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server

OPTIONS = json.loads(os.environ["OPTIONS"])
SP = os.environ["SP"]
# Its defaults rest on SHA-1.
ALGORITHMS = {
    "sign_alg": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "digest_alg": "http://www.w3.org/2001/04/xmlenc#sha256",
}
CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"

# By itself it encrypts with an algorithm of 1998.
template = saml2.sigver.pre_encryption_part
saml2.entity.pre_encryption_part = lambda **more: template(
    **{**more, "msg_enc": OPTIONS.get("encryption", "http://www.w3.org/2009/xmlenc11#aes256-gcm")}
)
encrypt = saml2.sigver.CryptoBackendXmlSec1.encrypt_assertion


def encrypt_with_aes(self, statement, key, parts, key_type="", node_xpath=None, node_id=None):
    return encrypt(self, statement, key, parts, OPTIONS.get("session_key", "aes-256"), node_xpath, node_id)


saml2.sigver.CryptoBackendXmlSec1.encrypt_assertion = encrypt_with_aes


def configuration(base, service=None):
    sso = [(f"{base}/sso", BINDING_HTTP_REDIRECT), (f"{base}/sso", BINDING_HTTP_POST)]
    slo = [(f"{base}/slo", BINDING_HTTP_REDIRECT), (f"{base}/slo", BINDING_HTTP_POST)]
    if OPTIONS.get("post_only"):
        sso, slo = sso[1:], slo[1:]
    config = IdPConfig()
    config.load(
        {
            "entityid": f"{base}/metadata",
            "key_file": OPTIONS["key"],
            "cert_file": OPTIONS["certificate"],
            "xmlsec_binary": os.environ["XMLSEC"],
            "allow_unknown_attributes": True,
            **({"metadata": {"inline": [service]}} if service else {}),
            "service": {
                "idp": {
                    "want_authn_requests_signed": OPTIONS.get("wants_signed_requests", False),
                    "endpoints": {"single_sign_on_service": sso, "single_logout_service": slo},
                    "policy": {"default": {"lifetime": {"minutes": 5}, "name_form": NAME_FORMAT_URI, "attribute_restrictions": None}},
                }
            },
        }
    )
    return config


class Idp(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, text, headers=()):
        body = text.encode()
        self.send_response(status)
        for name, value in [*headers, ("Content-Length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def send_message(self, binding, message, destination, relay_state, is_response, sign):
        info = IDP.apply_binding(binding, message, destination, relay_state, response=is_response, sign=sign, sigalg=ALGORITHMS["sign_alg"])
        if binding == BINDING_HTTP_REDIRECT:
            return self.answer(302, "", [("Location", dict(info["headers"])["Location"])])
        name = "SAMLResponse" if is_response else "SAMLRequest"
        fields = {name: base64.b64encode(str(message).encode()).decode()}
        if relay_state:
            fields["RelayState"] = relay_state
        inputs = "".join(f'<input name="{name}" value="{html.escape(value)}">' for name, value in fields.items())
        return self.answer(200, f'<form method="post" action="{html.escape(destination)}">{inputs}</form>')

    def do_GET(self):
        split = urllib.parse.urlsplit(self.path)
        self.serve(split.path, dict(urllib.parse.parse_qsl(split.query)), BINDING_HTTP_REDIRECT)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.serve(urllib.parse.urlsplit(self.path).path, dict(urllib.parse.parse_qsl(body)), BINDING_HTTP_POST)

    def serve(self, path, form, binding):
        try:
            if path == "/metadata":
                return self.answer(200, METADATA, [("Content-Type", "application/samlmetadata+xml")])
            know_service()
            if path == "/sso":
                return self.sign_in(form, binding)
            if path == "/initiate":
                return self.respond(None, SP + "/acs", self.person(), form.get("RelayState", ""))
            if path == "/leave":
                return self.leave(form)
            if path == "/slo":
                return self.sign_out(form, binding)
            return self.answer(404, "")
        except Exception as error:  # whatever it is, the test reads it
            return self.answer(500, f"{type(error).__name__}: {error}")

    def cookie(self, name, default):
        cookies = self.headers.get("Cookie", "")
        return dict(part.split("=", 1) for part in cookies.split("; ") if "=" in part).get(name, default)

    def person(self):
        return self.cookie("person", "alice")

    def sign_in(self, form, binding):
        signature = {name: form[name] for name in ("SigAlg", "Signature", "RelayState") if name in form}
        if OPTIONS.get("wants_signed_requests") and binding == BINDING_HTTP_REDIRECT:
            request = IDP.parse_authn_request(
                form["SAMLRequest"], binding, relay_state=form.get("RelayState"), sigalg=signature.get("SigAlg"), signature=signature.get("Signature")
            )
        else:
            request = IDP.parse_authn_request(form["SAMLRequest"], binding)
        message = request.message
        self.respond(message.id, message.assertion_consumer_service_url, self.person(), form.get("RelayState", ""))

    def respond(self, request, destination, person, relay_state):
        identity = {
            CLAIMS + "nameidentifier": person,
            CLAIMS + "emailaddress": f"{person}@idp.example.com",
            CLAIMS + "givenname": person.capitalize(),
            CLAIMS + "surname": "Idp",
        }
        groups = self.cookie("groups", "staff.editors")
        if groups != "none":
            identity[OPTIONS.get("group_name", "groups")] = groups.split(".")
        if OPTIONS.get("verified"):
            identity["verified"] = OPTIONS["verified"]
        if OPTIONS.get("groups"):
            identity["groups"] = [f"group number {number}, with a long name" for number in range(OPTIONS["groups"])]
        for name in OPTIONS.get("without", []):
            identity.pop(CLAIMS + name)
        response = IDP.create_authn_response(
            identity,
            request,
            destination,
            OPTIONS.get("audience", SP + "/metadata"),
            name_id=NameID(format=NAMEID_FORMAT_PERSISTENT, text=person),
            userid=person,
            authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"},
            sign_response=OPTIONS.get("sign_response", False),
            sign_assertion=OPTIONS.get("sign_assertion", True),
            encrypt_assertion=OPTIONS.get("encrypt", False),
            encrypt_assertion_self_contained=True,
            **ALGORITHMS,
        )
        self.send_message(BINDING_HTTP_POST, response, destination, relay_state, True, False)

    def leave(self, form):
        """Signs the person out at the provider, which tells us."""
        indexes = [form["session"]] if "session" in form else None
        name = NameID(format=NAMEID_FORMAT_PERSISTENT, text=form["person"])
        binding = BINDING_HTTP_POST if "post" in form else BINDING_HTTP_REDIRECT
        _, request = IDP.create_logout_request(
            SP + "/logout", SP + "/metadata", name_id=name, session_indexes=indexes, sign=binding == BINDING_HTTP_POST, **ALGORITHMS
        )
        self.send_message(binding, request, SP + "/logout", "state of theirs", False, True)

    def sign_out(self, form, binding):
        if "SAMLResponse" in form:
            return self.answer(200, "everybody is signed out")
        request = IDP.parse_logout_request(form["SAMLRequest"], binding)
        if request is None:
            return self.answer(500, "the request is not good")
        response = IDP.create_logout_response(request.message, [binding], sign=binding == BINDING_HTTP_POST, **ALGORITHMS)
        return self.send_message(binding, response, SP + "/logout", form.get("RelayState", ""), True, True)


def know_service():
    global IDP
    if IDP is None:
        with urllib.request.urlopen(SP + "/metadata") as answer:
            service = answer.read().decode()
        IDP = Server(config=configuration(BASE, service))


server = http.server.ThreadingHTTPServer(("127.0.0.1", OPTIONS.get("port", 0)), Idp)
BASE = f"http://127.0.0.1:{server.server_port}"
IDP = None
METADATA = str(entity_descriptor(configuration(BASE)))
print(json.dumps({"port": server.server_port}), flush=True)
# It ends with whoever started it.
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
server.serve_forever()
