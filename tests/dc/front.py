"""front.py ADDRESS DELAY HEARD PORT=TARGET…: pass TCP and UDP of these ports on, DELAY
milliseconds late in each direction. PORT=TARGET! passes on what is asked by TCP, and in place of
the answer the connection ends. What is asked of PORT=TARGET? by TCP is also written to the file
HEARD. Prints a line when it listens."""
import asyncio
import sys


async def main():
    address, delay, heard, *ways = sys.argv[1:]
    delay = int(delay) / 1000
    heard = open(heard, "wb", buffering=0)
    loop = asyncio.get_running_loop()
    for way in ways:
        port, target = way.split("=")
        port = int(port)
        await asyncio.start_server(
            lambda reader, writer, target=target, port=port: connection(
                reader, writer, target, port, delay, heard),
            address, port)
        await loop.create_datagram_endpoint(
            lambda target=target, port=port: Datagrams(target, port, delay),
            local_addr=(address, port))
    print("listening", flush=True)
    await asyncio.Event().wait()


async def connection(reader, writer, target, port, delay, heard):
    is_mute = target.endswith("!")
    ear = heard if target.endswith("?") else None
    try:
        inner_reader, inner_writer = await asyncio.open_connection(target.rstrip("!?"), port)
    except OSError:
        writer.close()
        return
    if is_mute:
        asyncio.ensure_future(pump(reader, inner_writer, delay))
        await inner_reader.read(1)
        writer.close()
        return
    await asyncio.gather(
        pump(reader, inner_writer, delay, ear), pump(inner_reader, writer, delay))


async def pump(reader, writer, delay, ear=None):
    try:
        while data := await reader.read(65536):
            if ear:
                ear.write(data)
            await asyncio.sleep(delay)
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    writer.close()


class Datagrams(asyncio.DatagramProtocol):
    """Each question gets a socket of its own to the target, so that the answer finds back."""

    def __init__(self, target, port, delay):
        self.target, self.port, self.delay = target, port, delay

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, peer):
        asyncio.ensure_future(self.ask(data, peer))

    async def ask(self, data, peer):
        await asyncio.sleep(self.delay)
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        inner, _ = await loop.create_datagram_endpoint(
            lambda: Answer(answer), remote_addr=(self.target.rstrip("!?"), self.port))
        inner.sendto(data)
        try:
            reply = await asyncio.wait_for(answer, 10)
            await asyncio.sleep(self.delay)
            self.transport.sendto(reply, peer)
        except (OSError, asyncio.TimeoutError):
            pass
        finally:
            inner.close()


class Answer(asyncio.DatagramProtocol):
    def __init__(self, answer):
        self.answer = answer

    def datagram_received(self, data, _):
        if not self.answer.done():
            self.answer.set_result(data)

    def error_received(self, error):
        if not self.answer.done():
            self.answer.set_exception(error)


asyncio.run(main())
