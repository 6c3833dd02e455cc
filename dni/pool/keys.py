"""Every Redis key, with its unit and reason. Times in Redis are integer ms; texts are UTF-8.

All keys of a campaign stand in one hash slot, so every act is one script, on a Cluster too. Campaigns are spread over
16 shards and the shard is the hash tag: one event stream a shard, few enough for one recorder to read at once, enough
to spread over the nodes of a Cluster. The number of shards is part of the data: it never changes.
"""

from zlib import crc32

# Of records and pools' states. Another version's are not read: to it the pool is lost, and recovers.
_FORM = 2

SHARDS = tuple(f"s{n:x}" for n in range(16))


class Keys:
    """`prefix` separates installations (and tests) that share one Redis."""

    def __init__(self, prefix: str = "dni") -> None:
        self.prefix = prefix

    def shard(self, campaign: str) -> str:
        return SHARDS[crc32(campaign.encode()) % len(SHARDS)]

    def pool(self, campaign: str, pool: str) -> str:
        """Sorted set: member = number, score = protected_until (ms). The whole allocator. Bounded by the pool.

        A pool with regions has one more for each, `…@US-CA`, and `…@` for numbers that serve anywhere.
        """
        return f"{self.prefix}:{{{self.shard(campaign)}}}:pool{_FORM}:{pool}"

    def leases(self, campaign: str, pool: str) -> str:
        """Hash: the pool's state, each number's present and past leases, and who was given which (lua/record.lua).

        At most six fields a number, seven in a pool with regions.
        """
        return f"{self.prefix}:{{{self.shard(campaign)}}}:leases{_FORM}:{pool}"

    def address(self, campaign: str, pool: str, address: int) -> str:
        """Leases of an address that never signalled, counted only while the pool is short. Ends after 60 s.

        `address` is a checksum: the address itself is never kept.
        """
        return f"{self.prefix}:{{{self.shard(campaign)}}}:address:{pool}:{address}"

    def health(self, campaign: str, tag: str) -> str:
        """Hash: page (origin and path) -> its newest report (lua/report.lua), for the tag's page in the dashboard.

        At most 200 fields of some 400 bytes. Ends 90 days after the last report. Nobody misses it when it is lost.
        """
        return f"{self.prefix}:{{{self.shard(campaign)}}}:health:{tag}"

    def health_order(self, campaign: str, tag: str) -> str:
        """Sorted set: member = page in `health`, score = its last report (ms): tells which page makes room."""
        return self.health(campaign, tag) + ":order"

    def events(self, shard: str) -> str:
        """Stream of lease, leave, tap, reassignment, news; read by the recorder, trimmed behind what it committed."""
        return f"{self.prefix}:{{{shard}}}:events"

    def all_events(self) -> list[str]:
        return [self.events(shard) for shard in SHARDS]
