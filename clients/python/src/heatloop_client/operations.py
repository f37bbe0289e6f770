"""Every operation of the API as a method.

Made by `python -m heatloop.web.client_generator` from the API document: do not edit.
"""

from __future__ import annotations
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Literal, cast

from heatloop_client import models as m
from heatloop_client.stream import Event
from heatloop_client.transport import Transport, Upload


class Operations(Transport):
    """Methods named as in the API document, one an operation."""

    def abort_device_test(self, run: str) -> m.RunView:
        """Give a test up."""
        return cast("m.RunView", self.ask('POST', f'/api/v1/device-tests/{self.quoted(run)}/abort'))

    def acknowledge_alarm(self, id: str) -> m.AlarmView:
        """Acknowledge an alarm."""
        return cast("m.AlarmView", self.ask('POST', f'/api/v1/alarms/{self.quoted(id)}/acknowledge'))

    def add_consent(self, *, body: m.ConsentRequest) -> m.ConsentView:
        """Write down a consent."""
        return cast("m.ConsentView", self.ask('POST', '/api/v1/personal/consents', body=body))

    def add_device(self, *, body: m.NewDevice) -> m.DeviceDetail:
        """Plan a device."""
        return cast("m.DeviceDetail", self.ask('POST', '/api/v1/devices', body=body))

    def add_device_evidence(self, code: str, *, body: m.EvidenceForm) -> list[m.ModelView]:
        """Attach a paper to a model."""
        return cast("list[m.ModelView]", self.ask('POST', f'/api/v1/devices/models/{self.quoted(code)}/evidence', body=body))

    def add_device_file(self, *, files: dict[str, Upload]) -> m.FileView:
        """Send a photo or paper."""
        return cast("m.FileView", self.ask('POST', '/api/v1/devices/files', files=files))

    def add_dispatch_outage(self, *, body: m.OutageEntry) -> list[m.DispatchOutage]:
        """Enter an outage."""
        return cast("list[m.DispatchOutage]", self.ask('POST', '/api/v1/dispatch/outages', body=body))

    def add_document(self, serial: str, *, body: m.DocumentForm) -> m.DeviceDetail:
        """Attach a document."""
        return cast("m.DeviceDetail", self.ask('POST', f'/api/v1/devices/items/{self.quoted(serial)}/documents', body=body))

    def add_filing(self, *, body: m.Filing) -> m.RegisterEntry:
        """Enter an MLPS filing."""
        return cast("m.RegisterEntry", self.ask('POST', '/api/v1/security/filings', body=body))

    def add_kept_file(self, *, files: dict[str, Upload]) -> m.KeptFile:
        """Send a file."""
        return cast("m.KeptFile", self.ask('POST', '/api/v1/keeping/files', files=files))

    def add_key(self, *, body: m.NewKey) -> m.RecoveryCodes:
        """Register a key or certificate."""
        return cast("m.RecoveryCodes", self.ask('POST', '/api/v1/account/keys', body=body))

    def add_port_scan(self, *, body: m.PortScan) -> m.PortScanView:
        """Enter which ports answer from outside."""
        return cast("m.PortScanView", self.ask('POST', '/api/v1/security/ports', body=body))

    def add_security_exception(self, *, body: m.SecurityException) -> m.RegisterEntry:
        """Enter an exception."""
        return cast("m.RegisterEntry", self.ask('POST', '/api/v1/security/exceptions', body=body))

    def add_security_scan(self, *, body: m.ScanResult) -> m.RegisterEntry:
        """Enter the result of a scan."""
        return cast("m.RegisterEntry", self.ask('POST', '/api/v1/security/scans', body=body))

    def add_verification_readings(self, id: str, *, body: m.Readings) -> m.VerificationTaskView:
        """Enter what was read in the field."""
        return cast("m.VerificationTaskView", self.ask('POST', f'/api/v1/verification/tasks/{self.quoted(id)}/readings', body=body))

    def advance_device(self, serial: str, *, body: m.AdvanceForm) -> m.DeviceDetail:
        """Move a device to its next state."""
        return cast("m.DeviceDetail", self.ask('POST', f'/api/v1/devices/items/{self.quoted(serial)}/state', body=body))

    def ask_what_if(self, *, body: m.WhatIfRequest, most: int | None = None) -> m.WhatIfView:
        """What a change would do to the network now."""
        return cast("m.WhatIfView", self.ask('POST', '/api/v1/network/what-if', query={'most': most}, body=body))

    def back_from_provider(
        self,
        *,
        code: str | None = None,
        state: str | None = None,
        error: str | None = None,
    ) -> None:
        """Come back from the identity provider."""
        self.do('GET', '/api/v1/session/oidc/callback', query={'code': code, 'state': state, 'error': error})

    def become_display(self) -> m.SessionView:
        """Make this browser a wall display."""
        return cast("m.SessionView", self.ask('POST', '/api/v1/session/display'))

    def break_glass(self, id: str, *, body: m.GlassRequest) -> m.ProposalView:
        """Carry out without a second person."""
        return cast("m.ProposalView", self.ask('POST', f'/api/v1/commands/{self.quoted(id)}/break-glass', body=body))

    def certify_gateway(self, *, body: m.CertificateRequest) -> m.IssuedCertificate:
        """Certificate for a gateway."""
        return cast("m.IssuedCertificate", self.ask('POST', '/api/v1/gateways/certificate', body=body))

    def change_data_asset(self, code: str, *, body: m.AssetDecision) -> m.DataAssetView:
        """Decide about a data asset."""
        return cast("m.DataAssetView", self.ask('PATCH', f'/api/v1/governance/assets/{self.quoted(code)}', body=body))

    def change_device(self, serial: str, *, body: m.DeviceChange) -> m.DeviceDetail:
        """Change a device."""
        return cast("m.DeviceDetail", self.ask('PATCH', f'/api/v1/devices/items/{self.quoted(serial)}', body=body))

    def change_extension(self, name: str, *, body: m.ModuleChange) -> m.ModulesView:
        """Enable or disable a module."""
        return cast("m.ModulesView", self.ask('PUT', f'/api/v1/extensions/{self.quoted(name)}', body=body))

    def change_password(self, *, body: m.PasswordChange) -> None:
        """Change one's password."""
        self.do('POST', '/api/v1/session/password', body=body)

    def change_user(self, name: str, *, body: m.UserChange) -> m.UserCreated:
        """Change a user."""
        return cast("m.UserCreated", self.ask('PATCH', f'/api/v1/users/{self.quoted(name)}', body=body))

    def change_verification_plan(
        self,
        id: str,
        *,
        body: m.PlanChange,
    ) -> m.VerificationPlanView:
        """Halt a plan or let it go on."""
        return cast("m.VerificationPlanView", self.ask('PATCH', f'/api/v1/verification/plans/{self.quoted(id)}', body=body))

    def change_webhook(self, id: str, *, body: m.WebhookChange) -> m.WebhookView:
        """Change a webhook."""
        return cast("m.WebhookView", self.ask('PATCH', f'/api/v1/webhooks/{self.quoted(id)}', body=body))

    def check_access(
        self,
        *,
        purpose: str | None = None,
        points: str | None = None,
        asset: str | None = None,
        dataset: str | None = None,
    ) -> m.AccessVerdict:
        """Whether an export would pass."""
        return cast("m.AccessVerdict", self.ask('GET', '/api/v1/governance/access', query={'purpose': purpose, 'points': points, 'asset': asset, 'dataset': dataset}))

    def check_device_profile(self, *, body: m.ProfileBody) -> m.Draft:
        """Draw up a profile and check it."""
        return cast("m.Draft", self.ask('POST', '/api/v1/device-profiles/check', body=body))

    def check_device_test(self, run: str) -> m.SignatureView:
        """Check the report's signatures."""
        return cast("m.SignatureView", self.ask('GET', f'/api/v1/device-tests/{self.quoted(run)}/signature'))

    def check_histories(
        self,
        *,
        records: int | None = None,
        seed: int | None = None,
    ) -> m.HistoryCheck:
        """Check the history of records drawn at random."""
        return cast("m.HistoryCheck", self.ask('GET', '/api/v1/history-check', query={'records': records, 'seed': seed}))

    def choose_export(self, *, body: m.ExportChoice) -> m.ExportTicket:
        """Choose how an export goes out."""
        return cast("m.ExportTicket", self.ask('POST', '/api/v1/exports', body=body))

    def clear_room_target(self, code: str) -> m.RoomLevelView:
        """Remove a unit's own target."""
        return cast("m.RoomLevelView", self.ask('DELETE', f'/api/v1/room-levels/{self.quoted(code)}/target'))

    def confirm_command(self, id: str, *, body: m.ConfirmRequest) -> m.ProposalView:
        """Confirm one's own proposal."""
        return cast("m.ProposalView", self.ask('POST', f'/api/v1/commands/{self.quoted(id)}/confirm', body=body))

    def confirm_device_test(self, run: str) -> m.RunView:
        """The fault is simulated."""
        return cast("m.RunView", self.ask('POST', f'/api/v1/device-tests/{self.quoted(run)}/confirm'))

    def confirm_stop(self, id: str, *, body: m.StopConfirm) -> m.StopOrderView:
        """Confirm one's own emergency order."""
        return cast("m.StopOrderView", self.ask('POST', f'/api/v1/emergency/{self.quoted(id)}/confirm', body=body))

    def confirm_totp(self, *, body: m.TotpConfirm) -> m.RecoveryCodes:
        """Confirm the first one-time code."""
        return cast("m.RecoveryCodes", self.ask('POST', '/api/v1/account/totp/confirm', body=body))

    def create_batch(self, *, body: m.BatchRequest) -> m.CommandView | m.ProposalView:
        """Set several points for one reason."""
        return cast("m.CommandView | m.ProposalView", self.ask('POST', '/api/v1/commands/batch', body=body))

    def create_command(self, *, body: m.CommandRequest) -> m.CommandView | m.ProposalView:
        """Set a point."""
        return cast("m.CommandView | m.ProposalView", self.ask('POST', '/api/v1/commands', body=body))

    def create_service_key(self, *, body: m.ServiceKeyCreate) -> m.ServiceKeyMade:
        """Make a key for a program."""
        return cast("m.ServiceKeyMade", self.ask('POST', '/api/v1/service-keys', body=body))

    def create_user(self, *, body: m.UserCreate) -> m.UserCreated:
        """Add a user."""
        return cast("m.UserCreated", self.ask('POST', '/api/v1/users', body=body))

    def create_verification_plan(self, *, body: m.PlanCreate) -> m.VerificationPlanView:
        """Verify something regularly."""
        return cast("m.VerificationPlanView", self.ask('POST', '/api/v1/verification/plans', body=body))

    def create_verification_task(self, *, body: m.TaskCreate) -> m.VerificationTaskView:
        """Draw points to be verified."""
        return cast("m.VerificationTaskView", self.ask('POST', '/api/v1/verification/tasks', body=body))

    def create_webhook(self, *, body: m.WebhookRequest) -> m.WebhookSecret:
        """Add a webhook."""
        return cast("m.WebhookSecret", self.ask('POST', '/api/v1/webhooks', body=body))

    def decide_dispatch_plan(self, number: int, *, body: m.PlanDecision) -> m.DispatchPlanView:
        """Approve or reject a plan."""
        return cast("m.DispatchPlanView", self.ask('POST', f'/api/v1/dispatch/plans/{self.quoted(number)}/decision', body=body))

    def decide_permit(self, id: str, *, body: m.PermitDecision) -> m.PermitView:
        """Approve or refuse an export."""
        return cast("m.PermitView", self.ask('POST', f'/api/v1/governance/permits/{self.quoted(id)}/decision', body=body))

    def decide_savings_curve(self, code: str, *, body: m.CurveDecision) -> m.SavingsUnit:
        """Decide on a unit's tuned curve."""
        return cast("m.SavingsUnit", self.ask('POST', f'/api/v1/savings/units/{self.quoted(code)}/curve', body=body))

    def decide_strategy(
        self,
        code: str,
        version: int,
        *,
        body: m.StrategyDecision,
    ) -> m.StrategyVersionPage:
        """Approve or reject a strategy."""
        return cast("m.StrategyVersionPage", self.ask('POST', f'/api/v1/strategies/{self.quoted(code)}/versions/{self.quoted(version)}/decision', body=body))

    def decide_sync_conflict(self, id: str, *, body: m.Decision) -> m.SyncConflict:
        """Decide a conflict."""
        return cast("m.SyncConflict", self.ask('POST', f'/api/v1/sync/conflicts/{self.quoted(id)}/decide', body=body))

    def decode_with_extension(self, name: str, *, body: m.DecodeRequest) -> m.Decoded:
        """Read a message with a decoder module."""
        return cast("m.Decoded", self.ask('POST', f'/api/v1/extensions/decoders/{self.quoted(name)}', body=body))

    def delete_device_profile(self, name: str) -> None:
        """Delete an own profile."""
        self.do('DELETE', f'/api/v1/device-profiles/{self.quoted(name)}')

    def delete_label(self, name: str) -> m.LabelView:
        """Take somebody's security label away."""
        return cast("m.LabelView", self.ask('DELETE', f'/api/v1/labels/{self.quoted(name)}'))

    def delete_webhook(self, id: str) -> None:
        """Delete a webhook and its deliveries."""
        self.do('DELETE', f'/api/v1/webhooks/{self.quoted(id)}')

    def drop_audit(self, first_seq: int) -> m.AuditDropped:
        """Drop entries of a sealed period."""
        return cast("m.AuditDropped", self.ask('DELETE', f'/api/v1/audit/periods/{self.quoted(first_seq)}/entries'))

    def end_dispatch_outage(self, number: int) -> list[m.DispatchOutage]:
        """End an outage now."""
        return cast("list[m.DispatchOutage]", self.ask('POST', f'/api/v1/dispatch/outages/{self.quoted(number)}/end'))

    def end_other_sessions(self) -> m.Ended:
        """Sign out everywhere else."""
        return cast("m.Ended", self.ask('DELETE', '/api/v1/account/sessions'))

    def end_session(self, ident: str) -> None:
        """End one of my sessions."""
        self.do('DELETE', f'/api/v1/account/sessions/{self.quoted(ident)}')

    def end_user_sessions(self, name: str) -> m.Ended:
        """Sign a user out everywhere."""
        return cast("m.Ended", self.ask('DELETE', f'/api/v1/users/{self.quoted(name)}/sessions'))

    def end_verification_task(self, id: str, *, body: m.TaskEnd) -> m.VerificationTaskView:
        """End a verification task."""
        return cast("m.VerificationTaskView", self.ask('POST', f'/api/v1/verification/tasks/{self.quoted(id)}/end', body=body))

    def enrol_gateway(self, *, body: m.EnrolRequest) -> m.Enrolled:
        """Exchange keys with a new gateway."""
        return cast("m.Enrolled", self.ask('POST', '/api/v1/gateways/enrol', body=body))

    def enter_dispatch_figure(self, *, body: m.FigureEntry) -> list[m.DispatchFigure]:
        """Enter a figure."""
        return cast("list[m.DispatchFigure]", self.ask('POST', '/api/v1/dispatch/figures', body=body))

    def erase_personal(self, *, body: m.EraseRequest) -> m.ErasureView:
        """Erase a person's data."""
        return cast("m.ErasureView", self.ask('POST', '/api/v1/personal/erasures', body=body))

    def export_audit(
        self,
        *,
        format: Literal['jsonl', 'pdf'] | None = None,
        export: str | None = None,
        user: str | None = None,
        action: str | None = None,
        subject: str | None = None,
        result: Literal['', 'done', 'refused', 'failed'] | None = None,
        address: str | None = None,
        request: str | None = None,
        start: datetime | str | None = None,
        end: datetime | str | None = None,
    ) -> bytes:
        """Entries as a signed file."""
        return self.fetch('GET', '/api/v1/audit/export', query={'format': format, 'export': export, 'user': user, 'action': action, 'subject': subject, 'result': result, 'address': address, 'request': request, 'start': start, 'end': end})

    def export_balance(
        self,
        *,
        unit: str | None = None,
        language: str | None = None,
        export: str | None = None,
    ) -> bytes:
        """Valve settings of buildings as a workbook for technicians."""
        return self.fetch('GET', '/api/v1/balance/export', query={'unit': unit, 'language': language, 'export': export})

    def export_device_models(
        self,
        *,
        format: Literal['xlsx', 'csv'] | None = None,
        export: str | None = None,
    ) -> bytes:
        """The catalogue as a file."""
        return self.fetch('GET', '/api/v1/devices/models/export', query={'format': format, 'export': export})

    def export_device_profile(self, name: str) -> bytes:
        """A profile as a file."""
        return self.fetch('GET', f'/api/v1/device-profiles/{self.quoted(name)}/export')

    def export_device_purchase(
        self,
        code: str,
        *,
        format: Literal['xlsx', 'csv'] | None = None,
        export: str | None = None,
    ) -> bytes:
        """A purchase list as a file."""
        return self.fetch('GET', f'/api/v1/devices/purchases/{self.quoted(code)}/export', query={'format': format, 'export': export})

    def export_dispatch_period(
        self,
        day: date | str,
        *,
        format: Literal['xlsx', 'csv'] | None = None,
        export: str | None = None,
    ) -> bytes:
        """A dispatch period as a file."""
        return self.fetch('GET', f'/api/v1/supervision/periods/{self.quoted(day)}/export', query={'format': format, 'export': export})

    def export_ledger(
        self,
        *,
        format: Literal['xlsx', 'csv'] | None = None,
        personal: Literal['masked', 'full'] | None = None,
        export: str | None = None,
    ) -> bytes:
        """The ledger as a file."""
        return self.fetch('GET', '/api/v1/ledger/export', query={'format': format, 'personal': personal, 'export': export})

    def export_rollups(
        self,
        *,
        start: datetime | str,
        end: datetime | str,
        step: Literal['10m', '1h', '1d'] | None = None,
        format: Literal['arrow', 'parquet', 'csv', 'xlsx'] | None = None,
        compressed: bool | None = None,
        export: str | None = None,
        points: str | None = None,
        asset: str | None = None,
        kind: str | None = None,
        medium: str | None = None,
        side: str | None = None,
        quantity: str | None = None,
        role: str | None = None,
        stage: str | None = None,
        asset_kind: str | None = None,
        scope: str | None = None,
        within: str | None = None,
        upstream_of: str | None = None,
        downstream_of: str | None = None,
        q: str | None = None,
        all: bool | None = None,
    ) -> bytes:
        """Roll-ups as a file."""
        return self.fetch('GET', '/api/v1/bulk/rollups', query={'start': start, 'end': end, 'step': step, 'format': format, 'compressed': compressed, 'export': export, 'points': points, 'asset': asset, 'kind': kind, 'medium': medium, 'side': side, 'quantity': quantity, 'role': role, 'stage': stage, 'asset_kind': asset_kind, 'scope': scope, 'within': within, 'upstream_of': upstream_of, 'downstream_of': downstream_of, 'q': q, 'all': all})

    def export_samples(
        self,
        *,
        start: datetime | str,
        end: datetime | str,
        format: Literal['arrow', 'parquet', 'csv', 'xlsx'] | None = None,
        compressed: bool | None = None,
        export: str | None = None,
        points: str | None = None,
        asset: str | None = None,
        kind: str | None = None,
        medium: str | None = None,
        side: str | None = None,
        quantity: str | None = None,
        role: str | None = None,
        stage: str | None = None,
        asset_kind: str | None = None,
        scope: str | None = None,
        within: str | None = None,
        upstream_of: str | None = None,
        downstream_of: str | None = None,
        q: str | None = None,
        all: bool | None = None,
    ) -> bytes:
        """Stored samples as a file."""
        return self.fetch('GET', '/api/v1/bulk/samples', query={'start': start, 'end': end, 'format': format, 'compressed': compressed, 'export': export, 'points': points, 'asset': asset, 'kind': kind, 'medium': medium, 'side': side, 'quantity': quantity, 'role': role, 'stage': stage, 'asset_kind': asset_kind, 'scope': scope, 'within': within, 'upstream_of': upstream_of, 'downstream_of': downstream_of, 'q': q, 'all': all})

    def export_savings(self, *, export: str | None = None) -> bytes:
        """All days as a table."""
        return self.fetch('GET', '/api/v1/savings/export', query={'export': export})

    def export_season_report(
        self,
        *,
        network: str | None = None,
        kind: str | None = None,
        language: str | None = None,
        outdoor_c: float | None = None,
        export: str | None = None,
    ) -> bytes:
        """The N-1 report as a workbook or PDF."""
        return self.fetch('GET', '/api/v1/dispatch/n-1/report/export', query={'network': network, 'kind': kind, 'language': language, 'outdoor_c': outdoor_c, 'export': export})

    def export_sizing(
        self,
        *,
        language: Literal['zh', 'en'] | None = None,
        export: str | None = None,
    ) -> bytes:
        """The sizing report as a workbook."""
        return self.fetch('GET', '/api/v1/network/sizing.xlsx', query={'language': language, 'export': export})

    def get_account(self) -> m.AccountView:
        """My account."""
        return cast("m.AccountView", self.ask('GET', '/api/v1/account'))

    def get_as_of(
        self,
        *,
        left: str,
        right: str,
        start: datetime | str,
        end: datetime | str,
        tolerance_s: int | None = None,
    ) -> m.Joined:
        """A point's samples with what others last said by then."""
        return cast("m.Joined", self.ask('GET', '/api/v1/series/as-of', query={'left': left, 'right': right, 'start': start, 'end': end, 'tolerance_s': tolerance_s}))

    def get_assessment(self) -> m.Assessment:
        """Self-assessment against GB/T 22239 level 3."""
        return cast("m.Assessment", self.ask('GET', '/api/v1/security/assessment'))

    def get_assessment_report(self, *, format: m.ReportFormat | None = None) -> bytes:
        """The self-assessment as a document."""
        return self.fetch('GET', '/api/v1/security/assessment/report', query={'format': format})

    def get_asset(self, code: str) -> m.AssetDetail:
        """One asset."""
        return cast("m.AssetDetail", self.ask('GET', f'/api/v1/assets/{self.quoted(code)}'))

    def get_audit_check(self) -> m.AuditCheck:
        """The last check of the chain, or the one under way."""
        return cast("m.AuditCheck", self.ask('GET', '/api/v1/audit/check'))

    def get_audit_entry(self, seq: int) -> m.AuditDetail:
        """An entry with what belongs to it."""
        return cast("m.AuditDetail", self.ask('GET', f'/api/v1/audit/entries/{self.quoted(seq)}'))

    def get_audit_state(self) -> m.AuditState:
        """Where the chain ends, its copies, periods and journal."""
        return cast("m.AuditState", self.ask('GET', '/api/v1/audit/state'))

    def get_automatic_ratio(
        self,
        *,
        days: int | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.AutomaticReport:
        """Automatic-operation ratio."""
        return cast("m.AutomaticReport", self.ask('GET', '/api/v1/supervision/automatic', query={'days': days, 'page': page, 'size': size}))

    def get_balance(self, unit: str) -> m.BalanceView:
        """A unit's buildings with present and proposed openings."""
        return cast("m.BalanceView", self.ask('GET', f'/api/v1/balance/{self.quoted(unit)}'))

    def get_capacity(self) -> m.CapacityForecast:
        """How long the machine suffices."""
        return cast("m.CapacityForecast", self.ask('GET', '/api/v1/storage/forecast'))

    def get_challenge(self) -> m.Challenge:
        """Get something to sign with one's key."""
        return cast("m.Challenge", self.ask('POST', '/api/v1/session/challenge'))

    def get_command(self, id: str) -> m.CommandView:
        """One command and its life."""
        return cast("m.CommandView", self.ask('GET', f'/api/v1/commands/{self.quoted(id)}'))

    def get_completeness(self, *, date: date | str) -> m.Completeness:
        """Stored over expected values of a day."""
        return cast("m.Completeness", self.ask('GET', '/api/v1/completeness', query={'date': date}))

    def get_completeness_of_period(
        self,
        *,
        from_: datetime | str,
        to: datetime | str,
    ) -> m.CompletePeriod:
        """Stored over expected samples of a period, by day."""
        return cast("m.CompletePeriod", self.ask('GET', '/api/v1/links/completeness', query={'from': from_, 'to': to}))

    def get_compression(self, *, kinds: bool | None = None) -> m.CompressionReport:
        """How well samples compress, and that nothing is lost."""
        return cast("m.CompressionReport", self.ask('GET', '/api/v1/storage/compression', query={'kinds': kinds}))

    def get_coverage(self) -> m.Coverage:
        """Live data from source to user."""
        return cast("m.Coverage", self.ask('GET', '/api/v1/coverage'))

    def get_declared_ports(self) -> m.PortScanView:
        """Ports that may be open."""
        return cast("m.PortScanView", self.ask('GET', '/api/v1/security/ports'))

    def get_device(self, serial: str) -> m.DeviceDetail:
        """All that is known of a device."""
        return cast("m.DeviceDetail", self.ask('GET', f'/api/v1/devices/items/{self.quoted(serial)}'))

    def get_device_checklist(self) -> list[m.ChecklistItem]:
        """The GB/T 50893 checklist."""
        return cast("list[m.ChecklistItem]", self.ask('GET', '/api/v1/devices/checklist'))

    def get_device_file(self, sha256: str) -> bytes:
        """A photo or paper."""
        return self.fetch('GET', f'/api/v1/devices/files/{self.quoted(sha256)}')

    def get_device_profile(self, name: str) -> m.ProfileDetail:
        """One device profile."""
        return cast("m.ProfileDetail", self.ask('GET', f'/api/v1/device-profiles/{self.quoted(name)}'))

    def get_device_report(self) -> m.FleetReport:
        """Energy labels, failed checks, radios, rooms, reliability."""
        return cast("m.FleetReport", self.ask('GET', '/api/v1/devices/report'))

    def get_device_test(self, run: str) -> m.RunView:
        """One test, step by step."""
        return cast("m.RunView", self.ask('GET', f'/api/v1/device-tests/{self.quoted(run)}'))

    def get_device_test_report(self, run: str) -> bytes:
        """The signed report."""
        return self.fetch('GET', f'/api/v1/device-tests/{self.quoted(run)}/report.pdf')

    def get_dispatch(self) -> m.DispatchNow:
        """Networks, and the plans that count."""
        return cast("m.DispatchNow", self.ask('GET', '/api/v1/dispatch'))

    def get_dispatch_costs(
        self,
        *,
        first: date | str | None = None,
        last: date | str | None = None,
    ) -> m.CostView:
        """Planned and actual cost by source and day, and cost by station."""
        return cast("m.CostView", self.ask('GET', '/api/v1/dispatch/costs', query={'first': first, 'last': last}))

    def get_dispatch_period(
        self,
        day: date | str,
        *,
        page: int | None = None,
        size: int | None = None,
    ) -> m.DispatchPeriodView:
        """A dispatch period."""
        return cast("m.DispatchPeriodView", self.ask('GET', f'/api/v1/supervision/periods/{self.quoted(day)}', query={'page': page, 'size': size}))

    def get_dispatch_period_hours(
        self,
        day: date | str,
        code: str,
        *,
        quantity: Literal['heat_kw', 'supply_c'] | None = None,
    ) -> m.DispatchPeriodHours:
        """One subject in a dispatch period."""
        return cast("m.DispatchPeriodHours", self.ask('GET', f'/api/v1/supervision/periods/{self.quoted(day)}/{self.quoted(code)}', query={'quantity': quantity}))

    def get_dispatch_plan(self, number: int) -> m.DispatchPlanView:
        """One plan."""
        return cast("m.DispatchPlanView", self.ask('GET', f'/api/v1/dispatch/plans/{self.quoted(number)}'))

    def get_edge_rules(self, code: str) -> m.RulesView:
        """A gateway's rules and their versions."""
        return cast("m.RulesView", self.ask('GET', f'/api/v1/gateways/{self.quoted(code)}/rules'))

    def get_emergency(self) -> m.EmergencyView:
        """Stops in force and before."""
        return cast("m.EmergencyView", self.ask('GET', '/api/v1/emergency'))

    def get_export_rule(self) -> m.ExportRule:
        """How exports may go out."""
        return cast("m.ExportRule", self.ask('GET', '/api/v1/exports'))

    def get_extension_report(
        self,
        name: str,
        *,
        start: datetime | str,
        end: datetime | str,
        language: str | None = None,
        export: str | None = None,
    ) -> bytes:
        """A report made by an extension module."""
        return self.fetch('GET', f'/api/v1/extensions/reports/{self.quoted(name)}', query={'start': start, 'end': end, 'language': language, 'export': export})

    def get_extensions(self) -> m.ModulesView:
        """Modules: ours and plug-ins, with their manifests."""
        return cast("m.ModulesView", self.ask('GET', '/api/v1/extensions'))

    def get_figure_lineage(
        self,
        *,
        figure: Literal['completeness', 'heat_balance', 'water_balance'],
        start: datetime | str,
        end: datetime | str,
        asset: str | None = None,
    ) -> m.FigureLineage:
        """Where a key figure comes from."""
        return cast("m.FigureLineage", self.ask('GET', '/api/v1/lineage/figure', query={'figure': figure, 'start': start, 'end': end, 'asset': asset}))

    def get_forecast(
        self,
        code: str,
        *,
        known_at: datetime | str | None = None,
        step: Literal['900', '3600'] | None = None,
        back: int | None = None,
    ) -> m.ForecastView:
        """The forecast of one subject."""
        return cast("m.ForecastView", self.ask('GET', f'/api/v1/forecasts/{self.quoted(code)}', query={'known_at': known_at, 'step': step, 'back': back}))

    def get_forecast_skill(
        self,
        *,
        week: datetime | str | None = None,
        kind: Literal['', 'source', 'substation', 'building'] | None = None,
        find: str | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.ForecastSkill:
        """How right day-ahead forecasts were, by week."""
        return cast("m.ForecastSkill", self.ask('GET', '/api/v1/forecasts/skill', query={'week': week, 'kind': kind, 'find': find, 'page': page, 'size': size}))

    def get_forecast_status(
        self,
        *,
        kind: Literal['', 'source', 'substation', 'building'] | None = None,
        find: str | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.ForecastStatus:
        """How forecasting is doing, and what is forecast."""
        return cast("m.ForecastStatus", self.ask('GET', '/api/v1/forecasts', query={'kind': kind, 'find': find, 'page': page, 'size': size}))

    def get_gap_audit(
        self,
        *,
        from_: datetime | str,
        to: datetime | str,
        organisation: str | None = None,
    ) -> m.SignedDocument:
        """Every expected sample: stored, explained or unexplained; signed."""
        return cast("m.SignedDocument", self.ask('GET', '/api/v1/links/audit', query={'from': from_, 'to': to, 'organisation': organisation}))

    def get_gateway_devices(
        self,
        code: str,
        *,
        from_: datetime | str,
        to: datetime | str,
    ) -> list[m.LinkRowView]:
        """How well a gateway's devices are read."""
        return cast("list[m.LinkRowView]", self.ask('GET', f'/api/v1/links/gateways/{self.quoted(code)}/devices', query={'from': from_, 'to': to}))

    def get_given_file(self, id: str) -> bytes:
        """The sealed file of a data set."""
        return self.fetch('GET', f'/api/v1/personal/given/{self.quoted(id)}/file')

    def get_grading(self) -> m.GradingView:
        """Classes, levels, purposes and clearances."""
        return cast("m.GradingView", self.ask('GET', '/api/v1/governance/grading'))

    def get_grid(
        self,
        *,
        points: str,
        start: datetime | str,
        end: datetime | str,
        step_s: int | None = None,
        statistic: Literal['mean', 'low', 'high', 'first', 'last'] | None = None,
        fill: Literal['none', 'previous', 'linear'] | None = None,
        max_gap_s: int | None = None,
    ) -> m.Grid:
        """Series on one even grid, gaps filled and marked."""
        return cast("m.Grid", self.ask('GET', '/api/v1/series/grid', query={'points': points, 'start': start, 'end': end, 'step_s': step_s, 'statistic': statistic, 'fill': fill, 'max_gap_s': max_gap_s}))

    def get_health(self) -> m.Health:
        """Health of every part by layer."""
        return cast("m.Health", self.ask('GET', '/api/v1/health'))

    def get_history_of(self, table: str, id: str) -> m.RecordHistory:
        """Everything that happened to a record."""
        return cast("m.RecordHistory", self.ask('GET', f'/api/v1/history-of/{self.quoted(table)}/{self.quoted(id)}'))

    def get_import(self, id: str) -> m.ImportRun:
        """One import."""
        return cast("m.ImportRun", self.ask('GET', f'/api/v1/imports/{self.quoted(id)}'))

    def get_info(self) -> m.Info:
        """Version, company and plant time."""
        return cast("m.Info", self.ask('GET', '/api/v1/info'))

    def get_infrastructure(self) -> m.Infrastructure:
        """Machines and what they have left."""
        return cast("m.Infrastructure", self.ask('GET', '/api/v1/coverage/infrastructure'))

    def get_integrity(
        self,
        *,
        misfits: bool | None = None,
        versions: bool | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.IntegrityPage:
        """Digests of days and roots of months."""
        return cast("m.IntegrityPage", self.ask('GET', '/api/v1/keeping/integrity', query={'misfits': misfits, 'versions': versions, 'page': page, 'size': size}))

    def get_interfaces(self) -> m.InterfacesView:
        """Open interfaces: connected, sent, dropped, last error."""
        return cast("m.InterfacesView", self.ask('GET', '/api/v1/interfaces'))

    def get_keeping_run(self, run: str) -> m.KeepingRun:
        """One backup, trial restore or drill."""
        return cast("m.KeepingRun", self.ask('GET', f'/api/v1/keeping/backups/{self.quoted(run)}'))

    def get_keeping_state(self) -> m.KeepingState:
        """Whether everything is kept as it should be."""
        return cast("m.KeepingState", self.ask('GET', '/api/v1/keeping/state'))

    def get_kept_file(self, sha256: str) -> bytes:
        """A kept file."""
        return self.fetch('GET', f'/api/v1/keeping/files/{self.quoted(sha256)}')

    def get_keys(self) -> m.KeyList:
        """Keys of the platform and what needs them."""
        return cast("m.KeyList", self.ask('GET', '/api/v1/keys'))

    def get_latest(self, *, codes: str) -> list[m.PointView]:
        """Latest values of named points."""
        return cast("list[m.PointView]", self.ask('GET', '/api/v1/points/latest', query={'codes': codes}))

    def get_lineage(
        self,
        *,
        point: str,
        start: datetime | str,
        end: datetime | str,
        samples: int | None = None,
    ) -> m.Lineage:
        """Where the values of a point come from."""
        return cast("m.Lineage", self.ask('GET', '/api/v1/lineage', query={'point': point, 'start': start, 'end': end, 'samples': samples}))

    def get_link_history(
        self,
        *,
        from_: datetime | str,
        to: datetime | str,
        by: Literal['hour', 'day'] | None = None,
        gateway: str | None = None,
    ) -> m.LinkHistory:
        """Success by hour or day, and times on the spare channel."""
        return cast("m.LinkHistory", self.ask('GET', '/api/v1/links/history', query={'from': from_, 'to': to, 'by': by, 'gateway': gateway}))

    def get_link_report(
        self,
        *,
        from_: datetime | str,
        to: datetime | str,
        by: Literal['gateway', 'device', 'channel'] | None = None,
        format: Literal['json', 'xlsx'] | None = None,
        export: str | None = None,
    ) -> bytes:
        """Links over a period."""
        return self.fetch('GET', '/api/v1/links/report', query={'from': from_, 'to': to, 'by': by, 'format': format, 'export': export})

    def get_links(self) -> m.LinksNow:
        """Links now: success, bandwidth, blind spots, cost."""
        return cast("m.LinksNow", self.ask('GET', '/api/v1/links'))

    def get_metrics(self) -> bytes:
        """Figures in the Prometheus text format."""
        return self.fetch('GET', '/api/v1/metrics')

    def get_model(self, unit: str) -> m.ModelDetail:
        """One unit's models."""
        return cast("m.ModelDetail", self.ask('GET', f'/api/v1/models/{self.quoted(unit)}'))

    def get_n_minus_1(
        self,
        *,
        network: str | None = None,
        outdoor_c: float | None = None,
    ) -> m.NMinusOneView:
        """What the failure of one source or unit would leave uncovered."""
        return cast("m.NMinusOneView", self.ask('GET', '/api/v1/dispatch/n-1', query={'network': network, 'outdoor_c': outdoor_c}))

    def get_network(self) -> m.NetworkView:
        """The network with its estimated state."""
        return cast("m.NetworkView", self.ask('GET', '/api/v1/network'))

    def get_network_plan(self, *, network: str | None = None) -> m.NetworkPlanView:
        """Supply temperature and pump heads for the day ahead."""
        return cast("m.NetworkPlanView", self.ask('GET', '/api/v1/dispatch/network', query={'network': network}))

    def get_outage(self, *, segment: str) -> m.OutageView:
        """What closing a pipe means, and its burst."""
        return cast("m.OutageView", self.ask('GET', '/api/v1/network/outage', query={'segment': segment}))

    def get_overview(self) -> m.Overview:
        """Everything the first screen shows."""
        return cast("m.Overview", self.ask('GET', '/api/v1/overview'))

    def get_periods(
        self,
        *,
        asset: str | None = None,
        minutes: int | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.PeriodReport:
        """How often points really come."""
        return cast("m.PeriodReport", self.ask('GET', '/api/v1/coverage/periods', query={'asset': asset, 'minutes': minutes, 'page': page, 'size': size}))

    def get_personal_register(self) -> m.PersonalRegister:
        """What is collected about persons, and what for."""
        return cast("m.PersonalRegister", self.ask('GET', '/api/v1/personal/register'))

    def get_probe(self, id: str) -> m.ProbeState:
        """What a probe found."""
        return cast("m.ProbeState", self.ask('GET', f'/api/v1/field/probes/{self.quoted(id)}'))

    def get_profile(self, *, to: str) -> m.PressureProfile:
        """Pressures along the way to a place."""
        return cast("m.PressureProfile", self.ask('GET', '/api/v1/network/profile', query={'to': to}))

    def get_proposal(self, id: str) -> m.ProposalView:
        """One proposal and its commands."""
        return cast("m.ProposalView", self.ask('GET', f'/api/v1/commands/proposals/{self.quoted(id)}'))

    def get_quality_case(self, id: str) -> m.QualityCaseView:
        """One case of abnormal data."""
        return cast("m.QualityCaseView", self.ask('GET', f'/api/v1/quality/cases/{self.quoted(id)}'))

    def get_quality_completeness(self, *, date: date | str) -> m.QualityCompleteness:
        """Completeness of a day by place."""
        return cast("m.QualityCompleteness", self.ask('GET', '/api/v1/quality/completeness', query={'date': date}))

    def get_quality_summary(self) -> m.QualitySummary:
        """How the queue of abnormal data stands."""
        return cast("m.QualitySummary", self.ask('GET', '/api/v1/quality/summary'))

    def get_refused_readings(self, id: str, *, export: str | None = None) -> bytes:
        """Every refused reading of an import."""
        return self.fetch('GET', f'/api/v1/imports/{self.quoted(id)}/refused', query={'export': export})

    def get_retention(self) -> m.RetentionReport:
        """How long data are kept, and what has expired."""
        return cast("m.RetentionReport", self.ask('GET', '/api/v1/storage/retention'))

    def get_revoked(self) -> bytes:
        """Revoked certificates of gateways."""
        return self.fetch('GET', '/api/v1/gateways/crl')

    def get_rights(self) -> m.RightsMatrix:
        """Which right every route asks for, and who has it."""
        return cast("m.RightsMatrix", self.ask('GET', '/api/v1/rights'))

    def get_room_level(self, code: str) -> m.RoomLevelView:
        """What is wanted of a unit's rooms."""
        return cast("m.RoomLevelView", self.ask('GET', f'/api/v1/room-levels/{self.quoted(code)}'))

    def get_samples(
        self,
        *,
        start: datetime | str,
        end: datetime | str,
        points: str | None = None,
        asset: str | None = None,
        all: bool | None = None,
    ) -> bytes:
        """Stored samples in bulk."""
        return self.fetch('GET', '/api/v1/samples', query={'start': start, 'end': end, 'points': points, 'asset': asset, 'all': all})

    def get_savings(
        self,
        *,
        page: int | None = None,
        size: int | None = None,
    ) -> m.SavingsOverview:
        """What was saved, by unit and together."""
        return cast("m.SavingsOverview", self.ask('GET', '/api/v1/savings', query={'page': page, 'size': size}))

    def get_savings_unit(self, code: str) -> m.SavingsUnit:
        """One unit day by day."""
        return cast("m.SavingsUnit", self.ask('GET', f'/api/v1/savings/units/{self.quoted(code)}'))

    def get_sbom(self) -> bytes:
        """Software bill of materials (CycloneDX 1.6)."""
        return self.fetch('GET', '/api/v1/security/sbom')

    def get_season_report(
        self,
        *,
        network: str | None = None,
        outdoor_c: float | None = None,
    ) -> m.SeasonReport:
        """The N-1 report before the season."""
        return cast("m.SeasonReport", self.ask('GET', '/api/v1/dispatch/n-1/report', query={'network': network, 'outdoor_c': outdoor_c}))

    def get_session(self) -> m.SessionView:
        """Who is signed in."""
        return cast("m.SessionView", self.ask('GET', '/api/v1/session'))

    def get_sizing(self, *, listed: bool | None = None) -> m.SizingReport:
        """Installed against needed capacity of every station."""
        return cast("m.SizingReport", self.ask('GET', '/api/v1/network/sizing', query={'listed': listed}))

    def get_smart_devices(self) -> m.SmartReport:
        """Share of smart devices by class."""
        return cast("m.SmartReport", self.ask('GET', '/api/v1/supervision/smart-devices'))

    def get_statistics(
        self,
        *,
        points: str,
        start: datetime | str,
        end: datetime | str,
        step: Literal['hour', 'day', 'month', 'season'] | None = None,
    ) -> m.Statistics:
        """Statistics of hours, days, months and seasons."""
        return cast("m.Statistics", self.ask('GET', '/api/v1/history/statistics', query={'points': points, 'start': start, 'end': end, 'step': step}))

    def get_storage(self) -> m.StorageReport:
        """What the store keeps."""
        return cast("m.StorageReport", self.ask('GET', '/api/v1/storage'))

    def get_strategy(self, code: str) -> m.StrategyView:
        """A unit's strategy as it is now."""
        return cast("m.StrategyView", self.ask('GET', f'/api/v1/strategies/{self.quoted(code)}'))

    def get_stream(
        self,
        *,
        points: str | None = None,
        substation: str | None = None,
        overview: bool | None = None,
    ) -> Iterator[Event]:
        """Live stream (server-sent events)."""
        return self.listen('GET', '/api/v1/stream', query={'points': points, 'substation': substation, 'overview': overview})

    def get_substation(self, code: str) -> m.SubstationDetail:
        """Everything the station page shows."""
        return cast("m.SubstationDetail", self.ask('GET', f'/api/v1/substations/{self.quoted(code)}'))

    def get_supervision(
        self,
        *,
        quantity: Literal['', 'heat_kw', 'supply_c'] | None = None,
        state: Literal['', 'outside', 'inside', 'above', 'below', 'unknown'] | None = None,
        find: str | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.SupervisionNow:
        """Operation beside its planned band."""
        return cast("m.SupervisionNow", self.ask('GET', '/api/v1/supervision', query={'quantity': quantity, 'state': state, 'find': find, 'page': page, 'size': size}))

    def get_sync_state(self) -> m.SyncState:
        """How the exchange stands."""
        return cast("m.SyncState", self.ask('GET', '/api/v1/sync/state'))

    def get_trace(self, *, asset: str, way: Literal['up', 'down'] | None = None) -> m.Traced:
        """What an asset feeds, or what feeds it."""
        return cast("m.Traced", self.ask('GET', '/api/v1/network/trace', query={'asset': asset, 'way': way}))

    def get_trends(
        self,
        *,
        points: str,
        start: datetime | str,
        end: datetime | str,
        step: Literal['auto', 'raw', '10m', '1h', '1d'] | None = None,
        max_points: int | None = None,
    ) -> m.Trends:
        """Lines over time."""
        return cast("m.Trends", self.ask('GET', '/api/v1/trends', query={'points': points, 'start': start, 'end': end, 'step': step, 'max_points': max_points}))

    def get_verification_statistics(
        self,
        *,
        days: int | None = None,
    ) -> m.VerificationStatistics:
        """How far uploads and field readings were apart."""
        return cast("m.VerificationStatistics", self.ask('GET', '/api/v1/verification/statistics', query={'days': days}))

    def get_verification_task(self, id: str) -> m.VerificationTaskView:
        """One verification task."""
        return cast("m.VerificationTaskView", self.ask('GET', f'/api/v1/verification/tasks/{self.quoted(id)}'))

    def get_vocabulary(self) -> m.Vocabulary:
        """Every word points can be found by."""
        return cast("m.Vocabulary", self.ask('GET', '/api/v1/points/vocabulary'))

    def get_weather(self) -> m.WeatherNow:
        """The weather of now, and the sources."""
        return cast("m.WeatherNow", self.ask('GET', '/api/v1/weather'))

    def get_weather_forecast(
        self,
        *,
        known_at: datetime | str | None = None,
        start: datetime | str | None = None,
        end: datetime | str | None = None,
        hours: int | None = None,
        source: str | None = None,
    ) -> m.WeatherForecastView:
        """The forecast as it was known at a time."""
        return cast("m.WeatherForecastView", self.ask('GET', '/api/v1/weather/forecast', query={'known_at': known_at, 'start': start, 'end': end, 'hours': hours, 'source': source}))

    def get_weather_skill(
        self,
        *,
        days: int | None = None,
        observed_by: str | None = None,
    ) -> m.WeatherSkill:
        """How right forecasts were, by lead time."""
        return cast("m.WeatherSkill", self.ask('GET', '/api/v1/weather/skill', query={'days': days, 'observed_by': observed_by}))

    def get_zone(self) -> m.ZoneState:
        """Which zone this is, and how fresh it is."""
        return cast("m.ZoneState", self.ask('GET', '/api/v1/zone'))

    def give_data(self, *, body: m.GiveRequest) -> m.GivenView:
        """Make a data set for somebody outside."""
        return cast("m.GivenView", self.ask('POST', '/api/v1/personal/given', body=body))

    def guess_import(self, *, files: dict[str, Upload], tz: str | None = None) -> m.ImportGuess:
        """What an unknown file holds, and a draft of its mapping."""
        return cast("m.ImportGuess", self.ask('POST', '/api/v1/imports/guess', query={'tz': tz}, files=files))

    def handle_quality_case(self, id: str, *, body: m.CaseHandling) -> m.QualityCaseView:
        """Close a case with cause and correction."""
        return cast("m.QualityCaseView", self.ask('POST', f'/api/v1/quality/cases/{self.quoted(id)}/handle', body=body))

    def import_device_models(self, *, files: dict[str, Upload]) -> dict[str, int]:
        """Read a catalogue file."""
        return cast("dict[str, int]", self.ask('POST', '/api/v1/devices/models/import', files=files))

    def import_device_profile(
        self,
        *,
        files: dict[str, Upload],
        name: str | None = None,
    ) -> m.ProfileDetail:
        """Read a profile file."""
        return cast("m.ProfileDetail", self.ask('POST', '/api/v1/device-profiles/import', query={'name': name}, files=files))

    def import_ledger(
        self,
        *,
        files: dict[str, Upload],
        dry_run: bool | None = None,
    ) -> m.LedgerImported:
        """Read a ledger file."""
        return cast("m.LedgerImported", self.ask('POST', '/api/v1/ledger/import', query={'dry_run': dry_run}, files=files))

    def import_weather_observations(self, *, body: m.ObservationImport) -> m.WeatherImported:
        """Take in observations."""
        return cast("m.WeatherImported", self.ask('POST', '/api/v1/weather/observations', body=body))

    def learn_model(self, unit: str) -> m.ModelDetail:
        """Learn a unit's model now."""
        return cast("m.ModelDetail", self.ask('POST', f'/api/v1/models/{self.quoted(unit)}/learn'))

    def leave_for_provider(self) -> None:
        """Go to the identity provider."""
        self.do('GET', '/api/v1/session/oidc/start')

    def list_alarms(
        self,
        *,
        state: Literal['open', 'all'] | None = None,
        priority: int | None = None,
        subject: str | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.AlarmPage:
        """Alarms, newest first."""
        return cast("m.AlarmPage", self.ask('GET', '/api/v1/alarms', query={'state': state, 'priority': priority, 'subject': subject, 'page': page, 'size': size}))

    def list_assets(
        self,
        *,
        kind: str | None = None,
        parent: str | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.AssetPage:
        """Assets of the ledger."""
        return cast("m.AssetPage", self.ask('GET', '/api/v1/assets', query={'kind': kind, 'parent': parent, 'page': page, 'size': size}))

    def list_audit(
        self,
        *,
        page: int | None = None,
        size: int | None = None,
        user: str | None = None,
        action: str | None = None,
        subject: str | None = None,
        result: Literal['', 'done', 'refused', 'failed'] | None = None,
        address: str | None = None,
        request: str | None = None,
        start: datetime | str | None = None,
        end: datetime | str | None = None,
    ) -> m.AuditPage:
        """Audit trail, newest first."""
        return cast("m.AuditPage", self.ask('GET', '/api/v1/audit', query={'page': page, 'size': size, 'user': user, 'action': action, 'subject': subject, 'result': result, 'address': address, 'request': request, 'start': start, 'end': end}))

    def list_balance(
        self,
        *,
        page: int | None = None,
        size: int | None = None,
    ) -> m.BalancePage:
        """Units by how unequally their buildings are fed."""
        return cast("m.BalancePage", self.ask('GET', '/api/v1/balance', query={'page': page, 'size': size}))

    def list_certificates(self, *, gateway: str | None = None) -> m.CertificateList:
        """Certificates of gateways."""
        return cast("m.CertificateList", self.ask('GET', '/api/v1/gateways/certificates', query={'gateway': gateway}))

    def list_commands(
        self,
        *,
        point: str | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.CommandPage:
        """Commands, newest first."""
        return cast("m.CommandPage", self.ask('GET', '/api/v1/commands', query={'point': point, 'page': page, 'size': size}))

    def list_consents(
        self,
        *,
        subject: str | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.ConsentPage:
        """Consents, newest first."""
        return cast("m.ConsentPage", self.ask('GET', '/api/v1/personal/consents', query={'subject': subject, 'page': page, 'size': size}))

    def list_data_assets(self) -> m.DataAssetPage:
        """The data-asset register."""
        return cast("m.DataAssetPage", self.ask('GET', '/api/v1/governance/assets'))

    def list_deliveries(
        self,
        *,
        webhook: str | None = None,
        state: Literal['', 'waiting', 'delivered', 'dead'] | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.DeliveryPage:
        """Deliveries, newest first."""
        return cast("m.DeliveryPage", self.ask('GET', '/api/v1/webhooks/deliveries', query={'webhook': webhook, 'state': state, 'page': page, 'size': size}))

    def list_device_models(self) -> list[m.ModelView]:
        """The model catalogue."""
        return cast("list[m.ModelView]", self.ask('GET', '/api/v1/devices/models'))

    def list_device_profiles(self) -> list[m.ProfileView]:
        """Device profiles."""
        return cast("list[m.ProfileView]", self.ask('GET', '/api/v1/device-profiles'))

    def list_device_purchases(self) -> dict[str, Any]:
        """Purchase lists."""
        return cast("dict[str, Any]", self.ask('GET', '/api/v1/devices/purchases'))

    def list_device_tests(
        self,
        *,
        kind: Literal['', 'acceptance', 'season'] | None = None,
        subject: str | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.RunPage:
        """Functional tests and pre-season checks, newest first."""
        return cast("m.RunPage", self.ask('GET', '/api/v1/device-tests', query={'kind': kind, 'subject': subject, 'page': page, 'size': size}))

    def list_devices(
        self,
        *,
        asset: str | None = None,
        state: str | None = None,
        model: str | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.DevicePage:
        """Devices and where they are in their life."""
        return cast("m.DevicePage", self.ask('GET', '/api/v1/devices', query={'asset': asset, 'state': state, 'model': model, 'page': page, 'size': size}))

    def list_dispatch_entries(
        self,
        *,
        subject: str | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.DispatchFigurePage:
        """History of figures."""
        return cast("m.DispatchFigurePage", self.ask('GET', '/api/v1/dispatch/figures/entries', query={'subject': subject, 'page': page, 'size': size}))

    def list_dispatch_events(self) -> list[m.DispatchEvent]:
        """Failures of heat sources and what followed."""
        return cast("list[m.DispatchEvent]", self.ask('GET', '/api/v1/dispatch/events'))

    def list_dispatch_figures(self) -> list[m.DispatchFigure]:
        """Prices, costs and how units may be run."""
        return cast("list[m.DispatchFigure]", self.ask('GET', '/api/v1/dispatch/figures'))

    def list_dispatch_outages(self) -> list[m.DispatchOutage]:
        """Maintenance and failures that are not over."""
        return cast("list[m.DispatchOutage]", self.ask('GET', '/api/v1/dispatch/outages'))

    def list_dispatch_periods(
        self,
        *,
        page: int | None = None,
        size: int | None = None,
    ) -> m.DispatchPeriodPage:
        """Dispatch periods."""
        return cast("m.DispatchPeriodPage", self.ask('GET', '/api/v1/supervision/periods', query={'page': page, 'size': size}))

    def list_dispatch_plans(
        self,
        *,
        network: str | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.DispatchPlanPage:
        """Plans."""
        return cast("m.DispatchPlanPage", self.ask('GET', '/api/v1/dispatch/plans', query={'network': network, 'page': page, 'size': size}))

    def list_erasures(
        self,
        *,
        page: int | None = None,
        size: int | None = None,
    ) -> m.ErasurePage:
        """Erasures, newest first."""
        return cast("m.ErasurePage", self.ask('GET', '/api/v1/personal/erasures', query={'page': page, 'size': size}))

    def list_field_grades(
        self,
        *,
        place: Literal['', 'records', 'historian', 'ledger', 'view'] | None = None,
        class_name: str | None = None,
        level: Literal['', 'L1', 'L2', 'L3', 'L4'] | None = None,
        q: str | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.FieldGradePage:
        """The grade of every field."""
        return cast("m.FieldGradePage", self.ask('GET', '/api/v1/governance/fields', query={'place': place, 'class_name': class_name, 'level': level, 'q': q, 'page': page, 'size': size}))

    def list_forecast_issues(
        self,
        *,
        page: int | None = None,
        size: int | None = None,
    ) -> m.ForecastIssuePage:
        """Runs of the forecaster."""
        return cast("m.ForecastIssuePage", self.ask('GET', '/api/v1/forecasts/issues', query={'page': page, 'size': size}))

    def list_gaps(self, *, page: int | None = None, size: int | None = None) -> m.GapPage:
        """Missing spans and their causes."""
        return cast("m.GapPage", self.ask('GET', '/api/v1/gaps', query={'page': page, 'size': size}))

    def list_gate_records(
        self,
        *,
        kind: Literal['', 'weather_forecast', 'sensor_reading', 'case_label', 'wish', 'billing_state'] | None = None,
        state: Literal['', 'waiting', 'sent', 'accepted', 'refused'] | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.GateRecordPage:
        """Records of the reverse gate."""
        return cast("m.GateRecordPage", self.ask('GET', '/api/v1/zone/gate', query={'kind': kind, 'state': state, 'page': page, 'size': size}))

    def list_gateways(self) -> m.GatewayList:
        """Gateways and their links."""
        return cast("m.GatewayList", self.ask('GET', '/api/v1/gateways'))

    def list_given(self, *, page: int | None = None, size: int | None = None) -> m.GivenPage:
        """Data sets made for others, newest first."""
        return cast("m.GivenPage", self.ask('GET', '/api/v1/personal/given', query={'page': page, 'size': size}))

    def list_history_tables(self) -> m.HistoryTables:
        """Tables whose records have a history."""
        return cast("m.HistoryTables", self.ask('GET', '/api/v1/history-of'))

    def list_imports(self, *, page: int | None = None, size: int | None = None) -> m.ImportPage:
        """Imports, newest first."""
        return cast("m.ImportPage", self.ask('GET', '/api/v1/imports', query={'page': page, 'size': size}))

    def list_instances(self) -> m.InstanceList:
        """Platform instances: active, standby, heartbeats, lag."""
        return cast("m.InstanceList", self.ask('GET', '/api/v1/instances'))

    def list_keeping_runs(
        self,
        *,
        kind: m.RunKind | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.KeepingRunPage:
        """Backups, trial restores and drills, newest first."""
        return cast("m.KeepingRunPage", self.ask('GET', '/api/v1/keeping/backups', query={'kind': kind, 'page': page, 'size': size}))

    def list_kept_files(
        self,
        *,
        page: int | None = None,
        size: int | None = None,
    ) -> m.KeptFilePage:
        """Kept files, newest first."""
        return cast("m.KeptFilePage", self.ask('GET', '/api/v1/keeping/files', query={'page': page, 'size': size}))

    def list_labels(self) -> m.LabelPage:
        """Security labels of all accounts."""
        return cast("m.LabelPage", self.ask('GET', '/api/v1/labels'))

    def list_maintenance(
        self,
        *,
        page: int | None = None,
        size: int | None = None,
    ) -> m.MaintenancePage:
        """Maintenance actions, newest first."""
        return cast("m.MaintenancePage", self.ask('GET', '/api/v1/keeping/actions', query={'page': page, 'size': size}))

    def list_model_events(
        self,
        *,
        page: int | None = None,
        size: int | None = None,
    ) -> m.ModelEventPage:
        """What happened to models."""
        return cast("m.ModelEventPage", self.ask('GET', '/api/v1/models/events', query={'page': page, 'size': size}))

    def list_models(
        self,
        *,
        search: str | None = None,
        state: Literal['', 'learned', 'unlearned', 'drifting'] | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.ModelPage:
        """Models in force."""
        return cast("m.ModelPage", self.ask('GET', '/api/v1/models', query={'search': search, 'state': state, 'page': page, 'size': size}))

    def list_permits(
        self,
        *,
        state: Literal['', 'requested', 'approved', 'refused', 'expired'] | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.PermitPage:
        """Approval tickets, newest first."""
        return cast("m.PermitPage", self.ask('GET', '/api/v1/governance/permits', query={'state': state, 'page': page, 'size': size}))

    def list_points(
        self,
        *,
        asset: str | None = None,
        kind: str | None = None,
        q: str | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.PointPage:
        """Points with their latest value."""
        return cast("m.PointPage", self.ask('GET', '/api/v1/points', query={'asset': asset, 'kind': kind, 'q': q, 'page': page, 'size': size}))

    def list_proposals(
        self,
        *,
        page: int | None = None,
        size: int | None = None,
    ) -> m.ProposalPage:
        """Proposals, newest first."""
        return cast("m.ProposalPage", self.ask('GET', '/api/v1/commands/proposals', query={'page': page, 'size': size}))

    def list_quality_cases(
        self,
        *,
        state: Literal['open', 'handled', 'all'] | None = None,
        rule: str | None = None,
        point: str | None = None,
        severity: int | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.QualityCasePage:
        """Abnormal data, the weightiest first."""
        return cast("m.QualityCasePage", self.ask('GET', '/api/v1/quality/cases', query={'state': state, 'rule': rule, 'point': point, 'severity': severity, 'page': page, 'size': size}))

    def list_quarantine(
        self,
        *,
        page: int | None = None,
        size: int | None = None,
    ) -> m.QuarantinePage:
        """What was sent but not stored, and why."""
        return cast("m.QuarantinePage", self.ask('GET', '/api/v1/quarantine', query={'page': page, 'size': size}))

    def list_receivers(self) -> m.ReceiverPage:
        """Who outside may be given data."""
        return cast("m.ReceiverPage", self.ask('GET', '/api/v1/personal/receivers'))

    def list_room_level_versions(
        self,
        code: str,
        *,
        page: int | None = None,
        size: int | None = None,
    ) -> m.RoomLevelVersionPage:
        """What the nights found of a unit's level."""
        return cast("m.RoomLevelVersionPage", self.ask('GET', f'/api/v1/room-levels/{self.quoted(code)}/versions', query={'page': page, 'size': size}))

    def list_room_levels(
        self,
        *,
        page: int | None = None,
        size: int | None = None,
    ) -> m.RoomLevelPage:
        """Units with what is wanted of their rooms."""
        return cast("m.RoomLevelPage", self.ask('GET', '/api/v1/room-levels', query={'page': page, 'size': size}))

    def list_savings_entries(
        self,
        *,
        page: int | None = None,
        size: int | None = None,
    ) -> m.SavingsEntryPage:
        """Entries of the ledger."""
        return cast("m.SavingsEntryPage", self.ask('GET', '/api/v1/savings/entries', query={'page': page, 'size': size}))

    def list_security_duties(self) -> m.DutyList:
        """Scans, assessments and exceptions that are due."""
        return cast("m.DutyList", self.ask('GET', '/api/v1/security/duties'))

    def list_security_events(
        self,
        *,
        kind: str | None = None,
        severity: int | None = None,
        word: str | None = None,
        start: datetime | str | None = None,
        end: datetime | str | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.SecurityEventPage:
        """Security events, newest first."""
        return cast("m.SecurityEventPage", self.ask('GET', '/api/v1/security/events', query={'kind': kind, 'severity': severity, 'word': word, 'start': start, 'end': end, 'page': page, 'size': size}))

    def list_security_kinds(self) -> m.SecurityKindList:
        """Kinds of security events and their rules."""
        return cast("m.SecurityKindList", self.ask('GET', '/api/v1/security/kinds'))

    def list_security_register(
        self,
        register: m.Register,
        *,
        page: int | None = None,
        size: int | None = None,
    ) -> m.RegisterPage:
        """A security register, newest first."""
        return cast("m.RegisterPage", self.ask('GET', f'/api/v1/security/registers/{self.quoted(register)}', query={'page': page, 'size': size}))

    def list_service_keys(self) -> list[m.ServiceKeyView]:
        """Keys of programs."""
        return cast("list[m.ServiceKeyView]", self.ask('GET', '/api/v1/service-keys'))

    def list_strategies(
        self,
        *,
        page: int | None = None,
        size: int | None = None,
    ) -> m.StrategyPage:
        """Units with the strategies made for them."""
        return cast("m.StrategyPage", self.ask('GET', '/api/v1/strategies', query={'page': page, 'size': size}))

    def list_strategy_versions(
        self,
        code: str,
        *,
        page: int | None = None,
        size: int | None = None,
    ) -> m.StrategyVersionPage:
        """Versions of a unit's strategy."""
        return cast("m.StrategyVersionPage", self.ask('GET', f'/api/v1/strategies/{self.quoted(code)}/versions', query={'page': page, 'size': size}))

    def list_sync_changes(
        self,
        *,
        since: str | None = None,
        system: str | None = None,
        size: int | None = None,
    ) -> m.SyncChanges:
        """What changed here, for the other side."""
        return cast("m.SyncChanges", self.ask('GET', '/api/v1/sync/changes', query={'since': since, 'system': system, 'size': size}))

    def list_sync_conflicts(
        self,
        *,
        state: Literal['open', 'settled', 'decided', 'gone', 'all'] | None = None,
        system: str | None = None,
        entity: Literal['', 'contract', 'flat', 'building', 'community', 'ticket'] | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.SyncConflictPage:
        """Where systems disagree."""
        return cast("m.SyncConflictPage", self.ask('GET', '/api/v1/sync/conflicts', query={'state': state, 'system': system, 'entity': entity, 'page': page, 'size': size}))

    def list_sync_records(
        self,
        *,
        system: str | None = None,
        entity: Literal['', 'contract', 'flat', 'building', 'community', 'ticket'] | None = None,
        code: str | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.SyncRecordPage:
        """What other systems last said."""
        return cast("m.SyncRecordPage", self.ask('GET', '/api/v1/sync/records', query={'system': system, 'entity': entity, 'code': code, 'page': page, 'size': size}))

    def list_sync_rules(self) -> list[m.SyncRule]:
        """Who owns which field."""
        return cast("list[m.SyncRule]", self.ask('GET', '/api/v1/sync/rules'))

    def list_sync_runs(
        self,
        *,
        system: str | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.SyncRunPage:
        """Exchanges."""
        return cast("m.SyncRunPage", self.ask('GET', '/api/v1/sync/runs', query={'system': system, 'page': page, 'size': size}))

    def list_sync_tickets(
        self,
        *,
        code: str | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.SyncRecordPage:
        """Tickets of the customer system."""
        return cast("m.SyncRecordPage", self.ask('GET', '/api/v1/sync/tickets', query={'code': code, 'page': page, 'size': size}))

    def list_users(self) -> list[m.UserView]:
        """Users."""
        return cast("list[m.UserView]", self.ask('GET', '/api/v1/users'))

    def list_verification_plans(
        self,
        *,
        page: int | None = None,
        size: int | None = None,
    ) -> m.VerificationPlanPage:
        """What is verified regularly."""
        return cast("m.VerificationPlanPage", self.ask('GET', '/api/v1/verification/plans', query={'page': page, 'size': size}))

    def list_verification_tasks(
        self,
        *,
        state: Literal['', 'open', 'overdue', 'done', 'given_up'] | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.VerificationTaskPage:
        """Verification tasks, newest first."""
        return cast("m.VerificationTaskPage", self.ask('GET', '/api/v1/verification/tasks', query={'state': state, 'page': page, 'size': size}))

    def list_waiting(self) -> list[m.ProposalView]:
        """Proposals that wait for me as second person."""
        return cast("list[m.ProposalView]", self.ask('GET', '/api/v1/commands/waiting'))

    def list_weather_observations(
        self,
        *,
        start: datetime | str | None = None,
        end: datetime | str | None = None,
        source: str | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> m.WeatherObservationPage:
        """What sources said the weather was."""
        return cast("m.WeatherObservationPage", self.ask('GET', '/api/v1/weather/observations', query={'start': start, 'end': end, 'source': source, 'page': page, 'size': size}))

    def list_webhook_events(self) -> m.WebhookEventTypes:
        """Kinds of events a webhook can ask for."""
        return cast("m.WebhookEventTypes", self.ask('GET', '/api/v1/webhooks/events'))

    def list_webhooks(
        self,
        *,
        page: int | None = None,
        size: int | None = None,
    ) -> m.WebhookPage:
        """Webhooks."""
        return cast("m.WebhookPage", self.ask('GET', '/api/v1/webhooks', query={'page': page, 'size': size}))

    def list_zone_events(
        self,
        *,
        page: int | None = None,
        size: int | None = None,
    ) -> m.ZoneEventPage:
        """What happened at the boundary."""
        return cast("m.ZoneEventPage", self.ask('GET', '/api/v1/zone/events', query={'page': page, 'size': size}))

    def make_dispatch_plan(self, *, body: m.PlanRequest) -> m.DispatchPlanView:
        """Make a plan now, or ask what if something fails."""
        return cast("m.DispatchPlanView", self.ask('POST', '/api/v1/dispatch/plans', body=body))

    def new_recovery_codes(self) -> m.RecoveryCodes:
        """Make new recovery codes."""
        return cast("m.RecoveryCodes", self.ask('POST', '/api/v1/account/recovery'))

    def offer_totp(self, *, body: m.Labelled) -> m.TotpOffer:
        """Begin to use one-time codes."""
        return cast("m.TotpOffer", self.ask('POST', '/api/v1/account/totp', body=body))

    def own_sessions(self) -> list[m.OwnSession]:
        """My sessions."""
        return cast("list[m.OwnSession]", self.ask('GET', '/api/v1/account/sessions'))

    def plan_export(
        self,
        *,
        start: datetime | str,
        end: datetime | str,
        step: Literal['raw', '10m', '1h', '1d'] | None = None,
        format: Literal['arrow', 'parquet', 'csv', 'xlsx'] | None = None,
        points: str | None = None,
        asset: str | None = None,
        kind: str | None = None,
        medium: str | None = None,
        side: str | None = None,
        quantity: str | None = None,
        role: str | None = None,
        stage: str | None = None,
        asset_kind: str | None = None,
        scope: str | None = None,
        within: str | None = None,
        upstream_of: str | None = None,
        downstream_of: str | None = None,
        q: str | None = None,
        all: bool | None = None,
    ) -> m.BulkPlan:
        """What an export would hold."""
        return cast("m.BulkPlan", self.ask('GET', '/api/v1/bulk/plan', query={'start': start, 'end': end, 'step': step, 'format': format, 'points': points, 'asset': asset, 'kind': kind, 'medium': medium, 'side': side, 'quantity': quantity, 'role': role, 'stage': stage, 'asset_kind': asset_kind, 'scope': scope, 'within': within, 'upstream_of': upstream_of, 'downstream_of': downstream_of, 'q': q, 'all': all}))

    def propose_release(self, *, body: m.ReleaseRequest) -> m.StopOrderView:
        """Propose to release a stop."""
        return cast("m.StopOrderView", self.ask('POST', '/api/v1/emergency/release', body=body))

    def propose_stop(self, *, body: m.StopRequest) -> m.StopOrderView:
        """Propose an emergency stop."""
        return cast("m.StopOrderView", self.ask('POST', '/api/v1/emergency/stop', body=body))

    def prove(self, *, body: m.ProofBody) -> m.SessionView:
        """Prove again who one is."""
        return cast("m.SessionView", self.ask('POST', '/api/v1/session/proof', body=body))

    def pull_sync(self, system: str) -> m.SyncRun:
        """Ask the other system now."""
        return cast("m.SyncRun", self.ask('POST', f'/api/v1/sync/pull/{self.quoted(system)}'))

    def push_sync_records(
        self,
        *,
        body: m.RecordBatch,
        dry_run: bool | None = None,
    ) -> m.SyncRun:
        """Send changed records."""
        return cast("m.SyncRun", self.ask('POST', '/api/v1/sync/records', query={'dry_run': dry_run}, body=body))

    def put_device_purchase(self, code: str, *, files: dict[str, Upload]) -> dict[str, int]:
        """Read a purchase list."""
        return cast("dict[str, int]", self.ask('PUT', f'/api/v1/devices/purchases/{self.quoted(code)}', files=files))

    def put_edge_rules(self, code: str, *, body: m.RulesRequest) -> m.RulesView:
        """Deploy a new version of a gateway's rules."""
        return cast("m.RulesView", self.ask('PUT', f'/api/v1/gateways/{self.quoted(code)}/rules', body=body))

    def put_label(self, name: str, *, body: m.LabelRequest) -> m.LabelView:
        """Give somebody a security label."""
        return cast("m.LabelView", self.ask('PUT', f'/api/v1/labels/{self.quoted(name)}', body=body))

    def put_receiver(self, code: str, *, body: m.ReceiverAuthorisation) -> m.ReceiverView:
        """Authorise a receiver."""
        return cast("m.ReceiverView", self.ask('PUT', f'/api/v1/personal/receivers/{self.quoted(code)}', body=body))

    def query_points(
        self,
        *,
        page: int | None = None,
        size: int | None = None,
        points: str | None = None,
        asset: str | None = None,
        kind: str | None = None,
        medium: str | None = None,
        side: str | None = None,
        quantity: str | None = None,
        role: str | None = None,
        stage: str | None = None,
        asset_kind: str | None = None,
        scope: str | None = None,
        within: str | None = None,
        upstream_of: str | None = None,
        downstream_of: str | None = None,
        q: str | None = None,
        all: bool | None = None,
    ) -> m.SemanticPage:
        """Points by meaning and place, or by a question in words."""
        return cast("m.SemanticPage", self.ask('GET', '/api/v1/points/query', query={'page': page, 'size': size, 'points': points, 'asset': asset, 'kind': kind, 'medium': medium, 'side': side, 'quantity': quantity, 'role': role, 'stage': stage, 'asset_kind': asset_kind, 'scope': scope, 'within': within, 'upstream_of': upstream_of, 'downstream_of': downstream_of, 'q': q, 'all': all}))

    def receive_devices(self, code: str, *, body: m.Receipt) -> m.ReceiptView:
        """Record a delivery."""
        return cast("m.ReceiptView", self.ask('POST', f'/api/v1/devices/purchases/{self.quoted(code)}/receipts', body=body))

    def record_arrival(self, serial: str, *, body: m.ArrivalForm) -> m.DeviceDetail:
        """How a device arrived."""
        return cast("m.DeviceDetail", self.ask('POST', f'/api/v1/devices/items/{self.quoted(serial)}/arrival', body=body))

    def record_failure(self, serial: str, *, body: m.FailureForm) -> m.DeviceDetail:
        """Record a failure."""
        return cast("m.DeviceDetail", self.ask('POST', f'/api/v1/devices/items/{self.quoted(serial)}/failures', body=body))

    def record_installation(self, serial: str, *, body: m.InstallationForm) -> m.DeviceDetail:
        """Record an installation."""
        return cast("m.DeviceDetail", self.ask('POST', f'/api/v1/devices/items/{self.quoted(serial)}/installation', body=body))

    def record_spot_check(self, serial: str, *, body: m.SpotCheckForm) -> m.DeviceDetail:
        """Compare with a reference."""
        return cast("m.DeviceDetail", self.ask('POST', f'/api/v1/devices/items/{self.quoted(serial)}/spot-checks', body=body))

    def refresh_weather(self) -> m.WeatherNow:
        """Ask the sources now."""
        return cast("m.WeatherNow", self.ask('POST', '/api/v1/weather/refresh'))

    def remove_factor(self, factor: str) -> None:
        """Remove a second factor."""
        self.do('DELETE', f'/api/v1/account/factors/{self.quoted(factor)}')

    def renew_service_key(self, key: str, *, body: m.ServiceKeyRenew) -> m.ServiceKeyMade:
        """Give a key another secret."""
        return cast("m.ServiceKeyMade", self.ask('POST', f'/api/v1/service-keys/{self.quoted(key)}/renew', body=body))

    def renew_webhook_secret(self, id: str) -> m.WebhookSecret:
        """Give a webhook a new secret."""
        return cast("m.WebhookSecret", self.ask('POST', f'/api/v1/webhooks/{self.quoted(id)}/secret'))

    def request_forecast(self) -> m.ForecastStatus:
        """Have forecasts made now."""
        return cast("m.ForecastStatus", self.ask('POST', '/api/v1/forecasts/issue'))

    def request_permit(self, *, body: m.PermitRequest) -> m.PermitView:
        """Ask for an export."""
        return cast("m.PermitView", self.ask('POST', '/api/v1/governance/permits', body=body))

    def request_rollups(self, *, body: m.RollupRequest, export: str | None = None) -> bytes:
        """Roll-ups as a file, points in the body."""
        return self.fetch('POST', '/api/v1/bulk/rollups', query={'export': export}, body=body)

    def request_samples(self, *, body: m.BulkRequest, export: str | None = None) -> bytes:
        """Stored samples as a file, points in the body."""
        return self.fetch('POST', '/api/v1/bulk/samples', query={'export': export}, body=body)

    def reseal_values(self, *, body: m.ResealRequest) -> m.ResealView:
        """Seal everything anew."""
        return cast("m.ResealView", self.ask('POST', '/api/v1/keys/reseal', body=body))

    def resend_delivery(self, id: str) -> m.DeliveryView:
        """Send a delivery again."""
        return cast("m.DeliveryView", self.ask('POST', f'/api/v1/webhooks/deliveries/{self.quoted(id)}/resend'))

    def reset_factors(self, name: str) -> None:
        """Take a user's second factors away."""
        self.do('POST', f'/api/v1/users/{self.quoted(name)}/factors/reset')

    def restart_audit_copy(self, *, body: m.RestartRequest) -> None:
        """Begin a copy anew."""
        self.do('POST', '/api/v1/audit/copies/restart', body=body)

    def resume_import(self, id: str) -> m.ImportRun:
        """Go on with an import that stopped."""
        return cast("m.ImportRun", self.ask('POST', f'/api/v1/imports/{self.quoted(id)}/resume'))

    def retain_personal(self, *, body: m.RetentionRequest) -> m.ErasureView:
        """Erase data whose time is over."""
        return cast("m.ErasureView", self.ask('POST', '/api/v1/personal/retention', body=body))

    def retire_key(self, *, body: m.RetireRequest) -> m.KeyList:
        """Forget an old key."""
        return cast("m.KeyList", self.ask('POST', '/api/v1/keys/retire', body=body))

    def reveal_personal(self, *, body: m.RevealRequest) -> m.RevealedView:
        """See one personal value."""
        return cast("m.RevealedView", self.ask('POST', '/api/v1/personal/reveal', body=body))

    def revoke_certificate(self, gateway: str, *, body: m.RevokeRequest) -> m.Revoked:
        """Revoke a gateway's certificate."""
        return cast("m.Revoked", self.ask('POST', f'/api/v1/gateways/{self.quoted(gateway)}/revoke', body=body))

    def revoke_service_key(self, key: str) -> None:
        """Take a key back."""
        self.do('DELETE', f'/api/v1/service-keys/{self.quoted(key)}')

    def roll_back_edge_rules(self, code: str) -> m.RulesView:
        """Bring back the version before."""
        return cast("m.RulesView", self.ask('POST', f'/api/v1/gateways/{self.quoted(code)}/rules/rollback'))

    def roll_back_model(self, unit: str, *, body: m.RollBack) -> m.ModelDetail:
        """Put the former model back in force."""
        return cast("m.ModelDetail", self.ask('POST', f'/api/v1/models/{self.quoted(unit)}/rollback', body=body))

    def rotate_key(self, *, body: m.RotateRequest) -> m.KeyList:
        """Make a new key the one in use."""
        return cast("m.KeyList", self.ask('POST', '/api/v1/keys/rotate', body=body))

    def run_retention(self, *, body: m.RetentionRun) -> m.RetentionReport:
        """Remove what has expired."""
        return cast("m.RetentionReport", self.ask('POST', '/api/v1/storage/retention', body=body))

    def save_device_profile(self, *, body: m.ProfileBody) -> m.ProfileDetail:
        """Save an own profile."""
        return cast("m.ProfileDetail", self.ask('PUT', '/api/v1/device-profiles', body=body))

    def seal_audit(self, *, body: m.SealRequest) -> m.AuditSealed:
        """Seal old entries into a signed file."""
        return cast("m.AuditSealed", self.ask('POST', '/api/v1/audit/periods', body=body))

    def second_command(self, id: str, *, body: m.SecondRequest) -> m.ProposalView:
        """Answer as second person."""
        return cast("m.ProposalView", self.ask('POST', f'/api/v1/commands/{self.quoted(id)}/second', body=body))

    def second_step(self, *, body: m.SecondStep) -> m.SessionView:
        """Give the second factor."""
        return cast("m.SessionView", self.ask('POST', '/api/v1/session/second', body=body))

    def second_stop(self, id: str, *, body: m.StopAnswer) -> m.StopOrderView:
        """Answer an emergency order as second person."""
        return cast("m.StopOrderView", self.ask('POST', f'/api/v1/emergency/{self.quoted(id)}/second', body=body))

    def send_dispatch_plan(self, number: int) -> m.CommandView | m.ProposalView:
        """Send the set-points of an approved plan."""
        return cast("m.CommandView | m.ProposalView", self.ask('POST', f'/api/v1/dispatch/plans/{self.quoted(number)}/commands'))

    def send_network_plan(
        self,
        *,
        network: str | None = None,
    ) -> m.CommandView | m.ProposalView:
        """Send the network's set-points last worked out."""
        return cast("m.CommandView | m.ProposalView", self.ask('POST', '/api/v1/dispatch/network/commands', query={'network': network}))

    def set_device_limits(self, *, body: m.LimitsForm) -> dict[str, Any]:
        """Set a company's own limits."""
        return cast("dict[str, Any]", self.ask('PUT', '/api/v1/devices/limits', body=body))

    def set_dispatch_stage(self, *, body: m.StageEntry) -> m.DispatchFollowing:
        """How far the plans of a network may go."""
        return cast("m.DispatchFollowing", self.ask('POST', '/api/v1/dispatch/stage', body=body))

    def set_mode(self, code: str, *, body: m.ModeRequest) -> m.CommandView | m.ProposalView:
        """Set a unit's station mode."""
        return cast("m.CommandView | m.ProposalView", self.ask('PUT', f'/api/v1/units/{self.quoted(code)}/mode', body=body))

    def set_room_target(self, code: str, *, body: m.RoomTarget) -> m.RoomLevelView:
        """Set a unit's own target."""
        return cast("m.RoomLevelView", self.ask('PUT', f'/api/v1/room-levels/{self.quoted(code)}/target', body=body))

    def set_stage(self, code: str, *, body: m.StageRequest) -> m.StageView:
        """Set a unit's strategy stage."""
        return cast("m.StageView", self.ask('PUT', f'/api/v1/units/{self.quoted(code)}/stage', body=body))

    def sign_in(self, *, body: m.SignIn) -> m.SessionView:
        """Sign in."""
        return cast("m.SessionView", self.ask('POST', '/api/v1/session', body=body))

    def sign_in_options(self) -> m.SignInOptions:
        """What the sign-in page may know."""
        return cast("m.SignInOptions", self.ask('GET', '/api/v1/session/options'))

    def sign_out(self) -> None:
        """Sign out."""
        self.do('DELETE', '/api/v1/session')

    def start_audit_check(self) -> m.AuditCheck:
        """Check the whole chain."""
        return cast("m.AuditCheck", self.ask('POST', '/api/v1/audit/check'))

    def start_backup(self, *, body: m.BackupRequest) -> m.KeepingRun:
        """Start a backup."""
        return cast("m.KeepingRun", self.ask('POST', '/api/v1/keeping/backups', body=body))

    def start_device_test(self, *, body: m.DeviceTestRequest) -> m.RunView:
        """Begin a functional test."""
        return cast("m.RunView", self.ask('POST', '/api/v1/device-tests', body=body))

    def start_import(
        self,
        *,
        files: dict[str, Upload],
        dry_run: bool | None = None,
        overwrite: bool | None = None,
        tz: str | None = None,
    ) -> m.ImportRun:
        """Import history from a file."""
        return cast("m.ImportRun", self.ask('POST', '/api/v1/imports', query={'dry_run': dry_run, 'overwrite': overwrite, 'tz': tz}, files=files))

    def start_integrity(self) -> m.IntegrityPage:
        """Check all digests now."""
        return cast("m.IntegrityPage", self.ask('POST', '/api/v1/keeping/integrity'))

    def start_maintenance(self, *, body: m.ActionRequest) -> m.MaintenanceAction:
        """Start a maintenance action."""
        return cast("m.MaintenanceAction", self.ask('POST', '/api/v1/keeping/actions', body=body))

    def start_probe(self, *, body: m.ProbeBody) -> m.ProbeState:
        """Ask a device what it offers."""
        return cast("m.ProbeState", self.ask('POST', '/api/v1/field/probes', body=body))

    def start_season_check(self, *, body: m.SeasonRequest) -> list[m.RunView]:
        """Begin a pre-season check."""
        return cast("list[m.RunView]", self.ask('POST', '/api/v1/season-checks', body=body))

    def start_verify(self, *, body: m.VerifyRequest) -> m.KeepingRun:
        """Restore a backup on trial."""
        return cast("m.KeepingRun", self.ask('POST', '/api/v1/keeping/verify', body=body))

    def subscribe(
        self,
        *,
        points: str | None = None,
        asset: str | None = None,
        kinds: str | None = None,
        values: bool | None = None,
        events: str | None = None,
        cursor: str | None = None,
        since: datetime | str | None = None,
    ) -> Iterator[Event]:
        """Subscribe to values, alarms and findings (server-sent events; also as WebSocket)."""
        return self.listen('GET', '/api/v1/subscribe', query={'points': points, 'asset': asset, 'kinds': kinds, 'values': values, 'events': events, 'cursor': cursor, 'since': since})

    def test_webhook(self, id: str) -> m.Queued:
        """Send a test event."""
        return cast("m.Queued", self.ask('POST', f'/api/v1/webhooks/{self.quoted(id)}/test'))

    def tune_savings_curve(self, code: str) -> m.SavingsUnit:
        """Tune a unit's curve now."""
        return cast("m.SavingsUnit", self.ask('POST', f'/api/v1/savings/units/{self.quoted(code)}/tune'))

    def unlock_user(self, name: str) -> None:
        """Unlock a user."""
        self.do('POST', f'/api/v1/users/{self.quoted(name)}/unlock')

    def verify_audit(self) -> m.AuditVerdict:
        """Check the audit chain and wait for it."""
        return cast("m.AuditVerdict", self.ask('GET', '/api/v1/audit/verify'))

    def verify_gap_audit(self, *, body: m.DocumentBody) -> m.VerifiedDocument:
        """Whether a signed audit is this platform's and unchanged."""
        return cast("m.VerifiedDocument", self.ask('POST', '/api/v1/links/audit/verify', body=body))

    def verify_savings(self) -> m.SavingsCheck:
        """Check the chain."""
        return cast("m.SavingsCheck", self.ask('POST', '/api/v1/savings/verify'))

    def waive_device_item(self, serial: str, *, body: m.WaiverForm) -> m.DeviceDetail:
        """Let a failed item pass."""
        return cast("m.DeviceDetail", self.ask('POST', f'/api/v1/devices/items/{self.quoted(serial)}/waivers', body=body))

    def withdraw_command(self, id: str) -> m.ProposalView:
        """Take back one's own proposal."""
        return cast("m.ProposalView", self.ask('POST', f'/api/v1/commands/{self.quoted(id)}/withdraw'))

    def withdraw_consent(self, id: str) -> m.ConsentView:
        """Write down that a consent was taken back."""
        return cast("m.ConsentView", self.ask('POST', f'/api/v1/personal/consents/{self.quoted(id)}/withdraw'))

    def withdraw_security_exception(self, number: int) -> m.RegisterEntry:
        """End an exception."""
        return cast("m.RegisterEntry", self.ask('DELETE', f'/api/v1/security/exceptions/{self.quoted(number)}'))

    def withdraw_stop(self, id: str) -> m.StopOrderView:
        """Take back one's own emergency order."""
        return cast("m.StopOrderView", self.ask('POST', f'/api/v1/emergency/{self.quoted(id)}/withdraw'))
