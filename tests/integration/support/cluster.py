"""Several mimird processes that form a cluster, and the etcd that they share, as objects."""

import pathlib
import shutil
import subprocess
import tempfile

from support.servers import BIN, Mimird, Server, free_port, http, wait_for

CONFIGS = pathlib.Path(__file__).parents[3] / "configs"
COMPONENTS = ["ingester", "distributor", "query-scheduler", "querier", "query-frontend"]


class Etcd(Server):
    """One member of an etcd cluster."""

    name = "etcd"
    ready_path = "/health"

    def __init__(self, folder=None, member="m0", peers=None, peer_port=None):
        super().__init__(folder)
        self.member = member
        self.peer_port = peer_port or free_port()
        self.peers = peers or {member: self.peer_port}

    def command(self):
        peers = ",".join(f"{name}=http://127.0.0.1:{port}" for name, port in self.peers.items())
        return [
            "etcd", "--name", self.member, "--data-dir", self.folder / f"data-{self.member}",
            "--listen-client-urls", self.url, "--advertise-client-urls", self.url,
            "--listen-peer-urls", f"http://127.0.0.1:{self.peer_port}",
            "--initial-advertise-peer-urls", f"http://127.0.0.1:{self.peer_port}",
            "--initial-cluster", peers, "--heartbeat-interval", "50", "--election-timeout", "500",
            "--unsafe-no-fsync" if has_no_fsync() else "--logger=zap",
        ]


def has_no_fsync():
    text = subprocess.run(["etcd", "--help"], capture_output=True, text=True)
    return "unsafe-no-fsync" in text.stdout + text.stderr


def etcd_cluster(size):
    """Members that know of one another, not started."""
    peers = {f"m{i}": free_port() for i in range(size)}
    return [Etcd(member=name, peers=peers, peer_port=port) for name, port in peers.items()]


class Member(Mimird):
    """A process of a cluster: with a configuration file, an internal port, and a folder of its own or its node's."""

    one_tenant = True   # whatever the file says

    def __init__(self, config, target, *flags, name="", folder=None, log="mimird"):
        super().__init__(folder=folder)
        self.target = target
        self.node_name = name
        self.config = config
        self.internal_port = free_port()
        self.flags = list(flags)
        self.log_path = self.folder / f"{log}{'-' + name if name else ''}.log"

    @property
    def socket(self):
        return self.folder / f"admin{'-' + self.node_name if self.node_name else ''}.sock"

    def command(self):
        command = [
            BIN / "mimird",
            f"-config.file={self.config}",
            f"-target={self.target}",
            "-server.http-listen-address=127.0.0.1",
            f"-server.http-listen-port={self.port}",
            f"-server.internal-listen-port={self.internal_port}",
            f"-blocks-storage.tsdb.dir={self.data}",
            f"-admin.socket={self.socket}",
            f"-node.state-dir={self.state}",
        ]
        if self.one_tenant:
            command.append("-auth.multitenancy-enabled=false")
        if self.node_name:
            command.append(f"-node.name={self.node_name}")
        return command + self.flags


class Cluster:
    """Processes that start and end together. Use as a context manager."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mimird-cluster-"))
        self.members = []
        self.etcd = []

    def add(self, member):
        self.members.append(member)
        return member

    def start(self):
        for member in self.etcd:
            member.start(wait=False)
        for member in self.etcd:
            wait_for("etcd ready", member.is_ready, 60)
        for member in self.members:
            member.start(wait=False)
        for member in self.members:
            wait_for(f"{member.target} ready", member.is_ready, 60)
        return self

    def __enter__(self):
        try:
            return self.start()
        except BaseException as error:
            self.__exit__(type(error))
            raise

    def __exit__(self, kind, *_):
        for member in self.members + self.etcd:
            if kind:
                print(f"--- {member.log_path.name}: {member.log()[-1500:]}")
            member.__exit__()
        shutil.rmtree(self.folder, ignore_errors=True)


def three_monoliths(*flags, etcd_size=1, addresses=None):
    """Hosts of a scaled-out monolith, replication 3; addresses are where others reach their internal listeners, when not directly."""
    cluster = Cluster()
    cluster.etcd = etcd_cluster(etcd_size)
    endpoints = ",".join(member.url for member in cluster.etcd)
    for i in range(3):
        folder = cluster.folder / f"host{i}"
        folder.mkdir()
        member = cluster.add(Member(
            CONFIGS / "scaled-out-monolithic.yaml", "all",
            f"-common.kvstore.etcd.endpoints={endpoints}",
            f"-common.instance-id=host{i}", f"-common.instance-addr={addresses[i] if addresses else '127.0.0.1'}",
            *flags, folder=folder))
        member.name = f"host{i}"
    return cluster


def one_host(*flags, components=None):
    """Microservices of one host: the gateway is members[0]."""
    cluster = Cluster()
    config = CONFIGS / "microservices-one-host.yaml"
    for component in ["gateway", *(components or COMPONENTS)]:
        cluster.add(Member(config, component, *flags, name=component, folder=cluster.folder))
    return cluster


def many_hosts(*flags, ingesters=3, others=1):
    """Microservices over etcd, one gateway, and so many of each component: the gateway is members[0]."""
    cluster = Cluster()
    cluster.etcd = etcd_cluster(1)
    counts = {"gateway": 1, "ingester": ingesters, **dict.fromkeys(COMPONENTS[1:], others)}
    for i, component in enumerate(component for component, count in counts.items() for _ in range(count)):
        folder = cluster.folder / f"{component}{i}"
        folder.mkdir()
        cluster.add(Member(
            CONFIGS / "microservices.yaml", component,
            f"-common.kvstore.etcd.endpoints={cluster.etcd[0].url}",
            f"-common.instance-id={component}-{i}", "-common.instance-addr=127.0.0.1", *flags, folder=folder))
    return cluster


def ring_of(member, name="ingester"):
    """The members of a ring as that process sees it, by id."""
    answer = member.admin("GET", f"v1/rings/{name}")
    assert answer.status == 200, answer.text
    return {one["id"]: one for one in answer.json["members"]}


def ready(member):
    return http("GET", member.url + "/ready", timeout=5).status == 200
