#!/usr/bin/env python3
"""Speaks TLS on a port of its own, which it prints, and passes everything on to a server that speaks none.

usage: tls.py KEY_AND_CERTIFICATE.pem HOST:PORT
"""

import asyncio
import contextlib
import ssl
import sys


async def copy(reader, writer):
    with contextlib.suppress(OSError):
        while block := await reader.read(1 << 16):
            writer.write(block)
            await writer.drain()
    writer.close()


async def main(pem, address):
    host, port = address.rsplit(":", 1)

    async def join(reader, writer):
        server_reader, server_writer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(copy(reader, server_writer), copy(server_reader, writer))

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = await asyncio.start_server(join, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
