"""All repositories over one database."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Self

from heatloop.store.records import governance_actor as _  # noqa: F401 - for its functions
from heatloop.store.records.alarms import Alarms
from heatloop.store.records.audit import Audit
from heatloop.store.records.audit_around import AuditAround
from heatloop.store.records.command_door import CommandDoor
from heatloop.store.records.commands import Commands
from heatloop.store.records.crypto import CryptoRecords
from heatloop.store.records.database import Database
from heatloop.store.records.device_life import DeviceLife
from heatloop.store.records.device_life_runs import DeviceRuns
from heatloop.store.records.dispatch import DispatchRecords
from heatloop.store.records.edge_rules import EdgeRules
from heatloop.store.records.factors import Factors
from heatloop.store.records.forecast import ForecastRecords
from heatloop.store.records.gaps import Gaps
from heatloop.store.records.gateways import Gateways
from heatloop.store.records.governance import Governance
from heatloop.store.records.governance_journal import install_journal
from heatloop.store.records.governance_verification import Verifications
from heatloop.store.records.instances import Instances
from heatloop.store.records.jobs import Jobs
from heatloop.store.records.keeping import Keeping
from heatloop.store.records.ledger import LedgerRecords
from heatloop.store.records.links import Links
from heatloop.store.records.models import ModelRecords
from heatloop.store.records.personal import Personal
from heatloop.store.records.personal_labels import UserLabels
from heatloop.store.records.personal_receivers import Receivers
from heatloop.store.records.quality import QualityCases
from heatloop.store.records.quarantine import Quarantine
from heatloop.store.records.room_levels import RoomLevelRecords
from heatloop.store.records.savings import SavingsRecords
from heatloop.store.records.savings_baselines import BaselineRecords
from heatloop.store.records.sealing import Sealer
from heatloop.store.records.service_keys import ServiceKeys
from heatloop.store.records.sessions import Sessions
from heatloop.store.records.settings import Settings
from heatloop.store.records.stages import Stages
from heatloop.store.records.strategy import Strategies
from heatloop.store.records.sync import SyncRecords
from heatloop.store.records.sync_feed import SyncFeed
from heatloop.store.records.upgrade import upgrade
from heatloop.store.records.users import Users
from heatloop.store.records.watch import WatchRecords
from heatloop.store.records.weather import WeatherRecords
from heatloop.store.records.webhook import Webhooks
from heatloop.store.records.webhook_log import EventLog
from heatloop.store.records.zones import Zones

_NO_KEYS: Mapping[str, bytes] = MappingProxyType({})


class Records:
    """Ledger, people, commands, alarms, audit and the rest; safe between threads."""

    def __init__(
        self,
        url: str,
        *,
        data_key: bytes | None = None,
        data_key_id: str = "",
        old_keys: Mapping[str, bytes] = _NO_KEYS,
        data_algorithm: str = "AES-256-GCM",
    ) -> None:
        """Connect to a database that is at the newest version.

        Args:
            url: `sqlite:///file` or `postgresql://user@host/database`.
            data_key: Secret bytes personal data are sealed with.
            data_key_id: Name of that key.
            old_keys: Earlier data keys by name, to read what they sealed.
            data_algorithm: What to seal by.
        """
        keys = dict(old_keys) | ({} if data_key is None else {data_key_id: data_key})
        self.database = Database(url)
        self.sealer = Sealer(keys, data_key_id, data_algorithm)
        """Seals what must not stand readable; one for all, so that keys can change."""
        self.ledger = LedgerRecords(self.database, self.sealer)
        self.users = Users(self.database, self.sealer)
        self.sessions = Sessions(self.database)
        self.factors = Factors(self.database, self.sealer)
        self.service_keys = ServiceKeys(self.database)
        self.settings = Settings(self.database)
        self.gateways = Gateways(self.database)
        self.commands = Commands(self.database)
        self.door = CommandDoor(self.database)
        self.alarms = Alarms(self.database)
        self.stages = Stages(self.database)
        self.audit = Audit(self.database)
        self.audit_around = AuditAround(self.database)
        self.gaps = Gaps(self.database)
        self.links = Links(self.database)
        self.quality = QualityCases(self.database)
        self.quarantine = Quarantine(self.database)
        self.jobs = Jobs(self.database)
        self.keeping = Keeping(self.database)
        self.devices = DeviceLife(self.database)
        self.device_runs = DeviceRuns(self.database)
        self.dispatch = DispatchRecords(self.database)
        self.edge_rules = EdgeRules(self.database)
        self.weather = WeatherRecords(self.database)
        self.forecasts = ForecastRecords(self.database)
        self.models = ModelRecords(self.database)
        self.strategies = Strategies(self.database)
        self.room_levels = RoomLevelRecords(self.database)
        self.savings = SavingsRecords(self.database)
        self.baselines = BaselineRecords(self.database)
        self.sync = SyncRecords(self.database, self.sealer)
        self.sync_feed = SyncFeed(self.database, self.sealer)
        self.governance = Governance(self.database)
        self.labels = UserLabels(self.database)
        self.personal = Personal(self.database)
        self.receivers = Receivers(self.database, self.sealer)
        self.verifications = Verifications(self.database)
        self.watch = WatchRecords(self.database)
        self.webhooks = Webhooks(self.database, self.sealer)
        self.event_log = EventLog(self.database)
        self.crypto = CryptoRecords(self.database, self.sealer)
        self.instances = Instances(self.database)
        self.zones = Zones(self.database, self.sealer)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        data_key: bytes | None = None,
        data_key_id: str = "",
        old_keys: Mapping[str, bytes] = _NO_KEYS,
        data_algorithm: str = "AES-256-GCM",
    ) -> Self:
        """Bring the database to the newest version, making it if needed, and connect."""
        upgrade(url)
        records = cls(
            url,
            data_key=data_key,
            data_key_id=data_key_id,
            old_keys=old_keys,
            data_algorithm=data_algorithm,
        )
        install_journal(records.database)
        if data_key is not None:
            records.users.seal_names()
        return records

    def ping(self) -> None:
        """Return when the database answers.

        Raises:
            LinkError: It does not.
        """
        with self.database.read() as connection:
            connection.exec_driver_sql("SELECT 1")

    def close(self) -> None:
        """Close all connections."""
        self.database.close()
