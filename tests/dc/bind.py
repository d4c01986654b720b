"""One LDAP simple bind over TLS: the shortest way to ask the controller what it thinks of a
password. Each is one attempt in its counter."""
import re
import socket
import ssl


def bind(address, dn, password, patience=10):
    """"" for success, else the number after "data" (52e, 533 …), or the whole text."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection((address, 636), patience) as plain:
        with context.wrap_socket(plain) as secure:
            secure.sendall(request(dn.encode(), password.encode()))
            reply = secure.recv(65536)
    # LDAPMessage { messageID 1, BindResponse { resultCode ENUMERATED, …
    position = reply.index(b"\x0a\x01")
    code = reply[position + 2]
    if code == 0:
        return ""
    text = reply[position + 3:].decode(errors="replace")
    data = re.search(r"data ([0-9a-f]+)", text)
    return data.group(1) if data else "%d %s" % (code, text)


def request(dn, password):
    version = b"\x02\x01\x03"
    operation = version + element(0x04, dn) + element(0x80, password)
    return element(0x30, b"\x02\x01\x01" + element(0x60, operation))


def element(tag, content):
    length = len(content)
    if length < 128:
        return bytes([tag, length]) + content
    return bytes([tag, 0x82]) + length.to_bytes(2, "big") + content
