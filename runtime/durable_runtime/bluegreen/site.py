"""Where blue and green stand: a profile's warehouse with the tables in use, under the locks and leases of both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from durable_runtime.bluegreen import building
from durable_runtime.bluegreen.control import GREEN, Deployed
from durable_runtime.clock import SYSTEM, Clock
from durable_runtime.configuration import Profile
from durable_runtime.errors import PipelineError
from durable_runtime.loading import LEASE_SECONDS
from durable_runtime.locking import held, place
from durable_runtime.spec import Pipeline
from durable_runtime.warehouse.base import Lease
from durable_runtime.warehouse.engine import SqlWarehouse
from durable_runtime.warehouse.opening import opened


@dataclass(frozen=True, slots=True)
class Site:
    """A pipeline in a profile; the package is the new version's, whose tables those of the version in use become."""

    profile: Profile
    pipeline: Pipeline
    clock: Clock = SYSTEM

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return self.pipeline.name


@dataclass(frozen=True, slots=True)
class Work:
    """An open warehouse with the tables in use; `leases` are those of both sides, where they were taken."""

    warehouse: SqlWarehouse
    deployed: Deployed
    leases: tuple[Lease, ...] = ()


@contextmanager
def locked(site: Site, *, wait: bool = False) -> Iterator[None]:
    """Neither a run nor another of these commands goes on on this machine meanwhile. Raises LockHeld."""
    locks = site.profile.state / "locks"
    with held(locks / site.name, wait=wait), held(locks / f"{site.name}__{GREEN}", wait=wait):
        yield


@contextmanager
def looking(site: Site) -> Iterator[Work]:
    """The warehouse, made ready to be looked at."""
    with opened(site.profile, site.pipeline, site.clock) as warehouse:
        assert isinstance(warehouse, SqlWarehouse)
        deployed = Deployed.of(warehouse, site.name)
        building.prepare(warehouse, deployed)
        yield Work(warehouse, deployed)


@contextmanager
def working(site: Site, who: str) -> Iterator[Work]:
    """The warehouse under the leases of both sides; needs the locks, which tell that a lease of this place is old."""
    with looking(site) as work, ExitStack() as stack:
        owner = f"{place(site.profile.state)}/{who}"
        leases = [_leased(stack, work, work.deployed.key(side), owner) for side in ("", GREEN)]
        yield Work(work.warehouse, work.deployed, tuple(leases))


def _leased(stack: ExitStack, work: Work, key: str, owner: str) -> Lease:
    lease = work.warehouse.acquire(key, owner, LEASE_SECONDS)

    def release() -> None:
        with suppress(PipelineError):  # what ended the command is not hidden; the lease expires by itself
            work.warehouse.release(lease)

    stack.callback(release)
    return lease
