"""The network between processes of this machine, as it may be: cut between any two, or slow towards one."""

import asyncio
import contextlib
import os
import threading

from support.servers import free_port


class Network:
    """Forwards to the internal listeners of members that advertise its addresses, and knows by their sockets which of
    them calls whom. A cut is silent: what is sent waits, as it does for TCP, until the cut is mended or its sender gives
    up; what is connected anew gets no answer. Use as a context manager."""

    def __init__(self, size):
        self.ports = [free_port() for _ in range(size)]
        self.members = []
        self.cuts = set()      # ordered pairs of members: from, to
        self.delays = {}       # member: seconds that each piece takes towards it and back
        self.held = set()      # ordered pairs that had something to say while cut

    @property
    def addresses(self):
        return [f"127.0.0.1:{port}" for port in self.ports]

    def connect(self, members):
        """In the order of the addresses."""
        self.members = list(members)

    def cut(self, one, other):
        self._change(lambda: self.cuts.update({(one, other), (other, one)}))

    def slow(self, member, seconds):
        self._change(lambda: self.delays.update({member: seconds}))

    def mend(self):
        def change():
            self.cuts.clear()
            self.delays.clear()
        self._change(change)

    def __enter__(self):
        started = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._run(started)), daemon=True)
        self.thread.start()
        started.wait()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.over.set)
        self.thread.join()

    async def _run(self, started):
        self.loop = asyncio.get_running_loop()
        self.over, self.changed = asyncio.Event(), asyncio.Condition()
        self.tasks = set()
        servers = [await asyncio.start_server(self._taker(index), "127.0.0.1", port, backlog=512)
                   for index, port in enumerate(self.ports)]
        started.set()
        await self.over.wait()
        for server in servers:
            server.close()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def _change(self, change):
        async def changing():
            async with self.changed:
                change()
                self.changed.notify_all()
        asyncio.run_coroutine_threadsafe(changing(), self.loop).result()

    def _taker(self, index):
        async def take(reader, writer):
            task = asyncio.current_task()
            self.tasks.add(task)
            try:
                with contextlib.suppress(OSError):
                    await self._forward(index, reader, writer)
            finally:
                self.tasks.discard(task)
                writer.close()
        return take

    async def _forward(self, index, reader, writer):
        target = self.members[index]
        origin = owner_of(writer.get_extra_info("peername")[1], self.members)
        await self._passable(origin, target)
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", target.internal_port)
        there = asyncio.create_task(self._pump(reader, inner_writer, origin, target))
        back = asyncio.create_task(self._pump(inner_reader, writer, origin, target))
        try:
            await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in (there, back):
                one.cancel()
            await asyncio.gather(there, back, return_exceptions=True)
            inner_writer.close()

    async def _pump(self, source, sink, origin, target):
        while data := await source.read(65536):
            await self._passable(origin, target)
            if delay := self.delays.get(target):
                await asyncio.sleep(delay)
            sink.write(data)
            await sink.drain()
        await self._passable(origin, target)

    async def _passable(self, origin, target):
        if (origin, target) in self.cuts:
            self.held.add((origin, target))
            async with self.changed:
                await self.changed.wait_for(lambda: (origin, target) not in self.cuts)


def owner_of(port, members):
    """Whose socket has that local port; None when it is no member's."""
    inode = inode_of(port)
    for member in members:
        folder = f"/proc/{member.process.pid}/fd"
        with contextlib.suppress(OSError):
            for entry in os.listdir(folder):
                with contextlib.suppress(OSError):
                    if os.readlink(f"{folder}/{entry}") == f"socket:[{inode}]":
                        return member
    return None


def inode_of(port):
    """Of the connected IPv4 socket of the loopback with that local port."""
    local = f"0100007F:{port:04X}"
    with open("/proc/net/tcp") as table:
        for line in table:
            fields = line.split()
            if fields[1] == local and fields[9] != "0":
                return fields[9]
    return None
