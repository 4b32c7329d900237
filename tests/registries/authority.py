"""A certificate authority to throw away, made by `openssl` of Debian's package of that name."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

# Python checks strictly (VERIFY_X509_STRICT) from 3.13 on: these extensions have to be there.
CONFIG = """\
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = {names}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
LOOPBACK = "IP:127.0.0.1,IP:::1,DNS:localhost"


@dataclass(frozen=True)
class Authority:
    """The files of an authority and of one server that it vouches for."""

    ca_file: Path
    certificate: Path
    key: Path

    @property
    def server(self) -> ssl.SSLContext:
        """What a server needs."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context

    @property
    def client(self) -> ssl.SSLContext:
        """What a client needs that trusts this authority alone."""
        return ssl.create_default_context(cafile=self.ca_file)

    @classmethod
    def made(cls, openssl: str, folder: Path, names: str = LOOPBACK) -> "Authority":
        """Make one in `folder` that lasts a day, for servers with `names`."""
        folder.mkdir(exist_ok=True)
        config = folder / "openssl.cnf"
        config.write_text(CONFIG.format(names=names))

        def make(name: str, *options: str | Path) -> None:
            key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
            kind = ("-x509", "-days", "1", "-config", config, "-extensions", name)
            output = ("-subj", f"/CN={name}", *NEW_KEY, "-keyout", key, "-out", certificate)
            argv = [openssl, "req", *kind, *output, *options]
            subprocess.run(argv, check=True, capture_output=True, timeout=60)

        make("authority")
        ca_file = folder / "authority.pem"
        make("server", "-CA", ca_file, "-CAkey", folder / "authority.key")
        return cls(ca_file, folder / "server.pem", folder / "server.key")
