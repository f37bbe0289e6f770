"""What the API sends and takes, as typed dictionaries.

Made by `python -m heatloop.web.client_generator` from the API document: do not edit.
"""

from __future__ import annotations
from typing import Any, Literal, NotRequired, TypedDict


class AccessVerdict(TypedDict):
    """Whether an export would pass"""

    allowed: bool
    needs_permit: bool
    permit: str | None
    classes: list[str]
    level: str
    owners: list[str]
    reason_zh: str
    reason_en: str


class AccountView(TypedDict):
    """One's own account"""

    user: str
    full_name: str
    password_at: str | None
    password_ends_at: str | None
    wants_second: bool
    factors: list[FactorView]
    recovery_left: int


Action = Literal['vacuum', 'reindex', 'analyze', 'integrity', 'migrate', 'compact']


class ActionRequest(TypedDict):
    """A maintenance action"""

    action: Action
    """What to do"""
    reason: NotRequired[str]
    """What for; kept in the audit trail"""


class AdvanceForm(TypedDict):
    """The state a device is to enter"""

    to: Literal['arrived', 'accepted', 'installed', 'tested', 'in_service', 'retired']


class AlarmPage(TypedDict):
    """A page of alarms"""

    total: int
    items: list[AlarmView]


class AlarmView(TypedDict):
    """An alarm as people read it"""

    id: str
    subject: str
    subject_zh: str
    subject_en: str
    point: str | None
    kind: str | None
    rule: str
    text_zh: str
    text_en: str
    priority: int
    onset: str
    cleared: str | None
    state: str
    acknowledged_by: str | None
    acknowledged_at: str | None
    value: float | None
    limit: float | None
    unit: str | None


class ArrivalForm(TypedDict):
    """How one device arrived"""

    photo: str
    undamaged: bool
    accessories: NotRequired[dict[str, bool]]


class AssessedItem(TypedDict):
    """One item of the self-assessment"""

    code: str
    chapter: str
    zh: str
    en: str
    kind: str
    result: str
    found_zh: str
    found_en: str
    compensating: str


class Assessment(TypedDict):
    """The self-assessment against GB/T 22239 level 3"""

    at: str
    version: str
    company_zh: str
    company_en: str
    demo: bool
    counts: dict[str, int]
    items: list[AssessedItem]


class AssetDecision(TypedDict):
    """What people decide about a data asset; fields left out stay"""

    owner: NotRequired[str | None]
    """Who owns it"""
    custodian: NotRequired[str | None]
    """Who keeps it"""
    uses: NotRequired[list[str] | None]
    """Permitted purposes"""
    consent: NotRequired[Literal['not_needed', 'needed', 'contract', 'given'] | None]
    """How the persons concerned agreed"""
    retention_days: NotRequired[int | None]
    """How long it is kept; audit and process data never less than three years"""
    note: NotRequired[str | None]
    """What else there is to say"""


class AssetDetail(TypedDict):
    """An asset with what hangs below it"""

    asset: AssetView
    children: list[AssetView]
    points: list[PointView]


class AssetPage(TypedDict):
    """A page of assets"""

    total: int
    items: list[AssetView]


class AssetView(TypedDict):
    """An asset of the ledger"""

    code: str
    kind: str
    zh: str
    en: str
    parent: str
    organisation: str
    org_path: str
    heat_path: str
    attributes: dict[str, str | float | bool]
    masked: list[str]


class AuditCheck(TypedDict):
    """A check of the whole chain"""

    running: bool
    checked: int
    total: int
    ok: bool | None
    first_broken: int | None
    reason: str
    checkpoints: int
    signed_through: int
    started_at: str | None
    seconds: float


class AuditCopyView(TypedDict):
    """A copy of the trail in a second place"""

    target: str
    through: int
    lag_s: float
    late: bool
    differs: bool
    failing: str


class AuditDetail(TypedDict):
    """An entry with everything that belongs to it"""

    entry: AuditEntry
    algorithm: str
    previous: str
    same_request: list[AuditEntry]
    changes: list[RecordChange]


class AuditDropped(TypedDict):
    """Entries of a sealed period were dropped"""

    first_seq: int
    last_seq: int
    entries: int


class AuditEntry(TypedDict):
    """One line of the audit trail"""

    seq: int
    at: str
    user: str
    role: str
    address: str
    request: str
    action: str
    subject: str
    result: str
    detail: dict[str, Any]
    hash: str


class AuditPage(TypedDict):
    """A page of the audit trail, newest first"""

    total: int
    items: list[AuditEntry]


class AuditPeriodView(TypedDict):
    """A stretch of the trail that is sealed in a file"""

    first_seq: int
    last_seq: int
    first_at: str
    last_at: str
    file: str
    file_sha256: str
    sealed_at: str
    sealed_by: str
    dropped_at: str | None
    dropped_by: str | None
    droppable: bool


class AuditSealed(TypedDict):
    """A period was sealed"""

    period: AuditPeriodView | None


class AuditState(TypedDict):
    """How the trail stands"""

    writable: bool
    failing_since: str | None
    entries: int
    hash: str
    algorithm: str
    checkpoints: int
    signed_through: int
    key_id: str
    public_key: str
    journalled: int
    copies: list[AuditCopyView]
    periods: list[AuditPeriodView]


class AuditVerdict(TypedDict):
    """Whether the audit trail is whole"""

    ok: bool
    entries: int
    first_broken: int | None


class AutomaticReport(TypedDict):
    """Automatic-operation ratio of a period"""

    start: str
    end: str
    heating_h: float
    automatic_pct: float | None
    platform_pct: float | None
    total: int
    rows: list[AutomaticRow]


class AutomaticRow(TypedDict):
    """How a substation was run"""

    code: str
    zh: str
    en: str
    heating_h: float
    automatic_h: float
    platform_h: float
    unknown_h: float
    automatic_pct: float | None
    platform_pct: float | None


class BackupRequest(TypedDict):
    """A backup to the place the settings name"""

    full: NotRequired[bool]
    """Everything anew, leaning on no earlier backup"""
    verify: NotRequired[bool]
    """Restore it on trial afterwards; full backups are always"""


class BadRowView(TypedDict):
    """One bad row of a ledger file"""

    sheet: str
    row: int
    column: str
    value: str
    message_zh: str
    message_en: str
    fix: str


class BalanceBuilding(TypedDict):
    """A building's share of the water, and the valve setting that follows"""

    building: str
    zh: str
    en: str
    area_m2: float | None
    share_pct: float
    opening_pct: float | None
    flow_m3h: float | None
    supply_c: float | None
    return_c: float | None
    room_c: float | None
    factor: float | None
    proposed_pct: float | None
    state: str


class BalanceCard(TypedDict):
    """A unit and how unequally its buildings are fed"""

    unit: str
    zh: str
    en: str
    station: str
    station_zh: str
    station_en: str
    reason: str
    method: str
    hours: int
    spread_pct: float | None
    buildings: int
    known: int
    to_move: int
    at_stop: int


class BalancePage(TypedDict):
    """Units by how unequally their buildings are fed"""

    total: int
    data_from: str
    data_until: str
    items: list[BalanceCard]


class BalanceView(TypedDict):
    """A unit's buildings and what is proposed for each"""

    card: BalanceCard
    data_from: str
    data_until: str
    share_by: str
    items: list[BalanceBuilding]


class BatchPoint(TypedDict):
    """One write of a batch"""

    point: str
    """Point code"""
    value: float
    """In the point's unit"""


class BatchRequest(TypedDict):
    """Several writes for one reason"""

    points: list[BatchPoint]
    """What is to be written, each point once"""
    reason: str
    """Why; kept in the audit trail"""


class BuildingCard(TypedDict):
    """A building fed by a substation"""

    code: str
    zh: str
    en: str
    unit: str
    area_m2: float | None
    rooms: int
    room_mean_c: float | None
    room_min_c: float | None


class BulkPlan(TypedDict):
    """What an export would hold, told before it is made"""

    points: int
    expected_rows: int
    rows_limit: int | None
    labels: dict[str, str]


class BulkRequest(TypedDict):
    """An export"""

    choose: PointChoice
    """Which points"""
    start: str
    """Begin"""
    end: str
    """End"""
    format: NotRequired[Literal['arrow', 'parquet', 'csv', 'xlsx']]
    """Kind of file"""
    compressed: NotRequired[bool]
    """Arrow: columns compressed with Zstandard"""


class CapacityForecast(TypedDict):
    """How long the machine suffices (clause 6.2 a)"""

    resources: list[Resource]
    ok: bool
    stored_bytes: int
    bytes_a_day: float | None
    days_until_full: float | None
    days_until_warning: float | None
    warning_zh: str
    warning_en: str


class CarrierView(TypedDict):
    """One way a stream travels"""

    name: str
    ok: bool
    detail: str


class CaseHandling(TypedDict):
    """What was the matter with abnormal data, and what is to be done about it"""

    cause: str
    """One of the causes of the summary"""
    correction: NotRequired[Literal['none', 'estimate', 'mark_bad']]
    """`estimate` lays estimates over the samples, `mark_bad` a mark; what was measured is kept"""
    note: NotRequired[str]
    """What else there is to say"""


class CertificateList(TypedDict):
    """Certificates of gateways"""

    required: bool
    urls: list[str]
    total: int
    items: list[CertificateView]


class CertificateRequest(TypedDict):
    """A gateway asks for a certificate"""

    gateway: str
    """Gateway code"""
    request: SignedRequest
    """Signed with the gateway's own key"""


class CertificateView(TypedDict):
    """A certificate that was issued"""

    serial: str
    gateway: str
    fingerprint: str
    state: str
    not_before: str
    not_after: str
    issued_by: str
    revoked_at: str | None
    reason: str


class Challenge(TypedDict):
    """Something to sign with one's key"""

    challenge: str
    seconds: float
    keys: list[FactorView]


class ChangeView(TypedDict):
    """One change of a record"""

    number: int
    at: str
    user: str
    operation: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    changed: list[str]


class ChannelCost(TypedDict):
    """What one channel type costs"""

    medium: str
    gateways: int
    points: int
    monthly_cost_yuan: float
    cost_per_point_yuan: float | None
    success_pct: float | None


class Check(TypedDict):
    """One rule applied to one device"""

    rule: str
    clause: str
    subject: str
    state: str
    zh: str
    en: str
    value: NotRequired[float | None]
    limit: NotRequired[float | None]
    unit: NotRequired[str]


class ChecklistItem(TypedDict):
    """One row of the GB/T 50893 checklist"""

    item: str
    clause: str
    classes: list[str]
    zh: str
    en: str


class CommandEvent(TypedDict):
    """One step in the life of a command"""

    state: str
    at: str
    reason: str


class CommandPage(TypedDict):
    """A page of commands"""

    total: int
    items: list[CommandView]


class CommandRequest(TypedDict):
    """An order to set one point"""

    point: str
    """Point code"""
    value: float
    """In the point's unit"""
    reason: NotRequired[str]
    """Why; kept in the audit trail"""


class CommandView(TypedDict):
    """A command as people read it"""

    id: str
    point: str
    value: float
    mode: str
    state: str
    issued: str
    expires: str
    requested_by: str
    reason: str
    events: list[CommandEvent]
    command_class: str
    proposal: str
    passed: list[DoorStep]


class CompleteDay(TypedDict):
    """A day's expected and stored samples"""

    date: str
    expected: int
    stored: int
    share_pct: float | None


class CompletePeriod(TypedDict):
    """How complete a period is, counted as the gap audit counts"""

    start: str
    end: str
    expected: int
    stored: int
    share_pct: float | None
    rule_pct: float
    passed: bool | None
    days: list[CompleteDay]


class Completeness(TypedDict):
    """How complete a day is"""

    date: str
    expected: int
    stored: int
    share_pct: float | None
    points: list[CompletenessRow]


class CompletenessRow(TypedDict):
    """How complete one point is on one day"""

    point: str
    expected: int
    stored: int
    share_pct: float


class CompressionReport(TypedDict):
    """How much smaller samples are than they were, and that nothing was lost (clause 6.2 f #4)"""

    received_bytes_a_sample: float
    stored_bytes_a_sample: float | None
    ratio: float | None
    least_ratio: float
    passed: bool | None
    lossless: bool
    windows: int
    samples: int
    changed: int
    kinds: list[KindSize]


class ConfirmRequest(TypedDict):
    """The one-time token of a proposal"""

    token: str


class ConsentPage(TypedDict):
    """A page of consents"""

    total: int
    items: list[ConsentView]


class ConsentRequest(TypedDict):
    """That somebody agreed to a use of his data"""

    subject: str
    """Contract or person of the ledger"""
    purpose: str
    """One of the purposes of the grading"""
    basis: NotRequired[str]
    """What it rests on"""
    note: NotRequired[str]
    """How he said so"""


class ConsentView(TypedDict):
    """That somebody agreed to a use of his data"""

    id: str
    subject: str
    purpose: str
    basis: str
    note: str
    by: str
    given: str
    withdrawn: str | None
    withdrawn_by: str | None


class CostRow(TypedDict):
    """Cost of a source on a day"""

    day: str
    source: str
    zh: str
    en: str
    planned: CostSplit | None
    actual: CostSplit
    deviation_yuan: float | None


class CostSource(TypedDict):
    """Cost of a source over the days asked for"""

    source: str
    zh: str
    en: str
    heat_kwh: float
    planned_yuan: float | None
    actual_yuan: float
    starts: int
    yuan_gj: float | None
    yuan_m2: float | None


class CostSplit(TypedDict):
    """What a source spent, or was to spend, on a day"""

    heat_kwh: float
    fuel_yuan: float
    co2_yuan: float
    power_yuan: float
    start_yuan: float
    other_yuan: float
    water_yuan: float
    total_yuan: float
    starts: int
    yuan_gj: float | None


class CostStation(TypedDict):
    """Cost of a station over the days asked for"""

    station: str
    zh: str
    en: str
    heat_kwh: float
    heat_yuan: float
    power_yuan: float
    water_yuan: float
    total_yuan: float
    yuan_gj: float | None
    yuan_m2: float | None


class CostView(TypedDict):
    """Heating cost of some days"""

    first: str
    last: str
    total_yuan: float
    unallocated_yuan: float
    heat_kwh: float
    yuan_gj: float | None
    yuan_m2: float | None
    rows: list[CostRow]
    sources: list[CostSource]
    stations: list[CostStation]


class CountOf(TypedDict):
    """How many of something"""

    name: str
    zh: str
    en: str
    count: int


class Coverage(TypedDict):
    """How much of the way from source to user is seen"""

    at: str
    stages: list[StageCoverage]
    findings: list[CoverageFinding]


class CoverageFinding(TypedDict):
    """A stage that is missing or thin"""

    stage: str
    zh: str
    en: str


class CurveDecision(TypedDict):
    """Whether a unit runs its tuned curve on switch-back days"""

    version: int
    """The curve in force"""
    approve: bool
    """False: the standing curve runs"""
    note: NotRequired[str]
    """Kept with the decision and in the chain"""


class CutView(TypedDict):
    """Who is without supply, and what is closed"""

    possible: bool
    closed: list[NamedThing]
    stop: list[NamedThing]
    stations: list[NamedThing]
    units: int
    rerouted: int
    area_m2: float
    flats: int


class DataAssetPage(TypedDict):
    """The data-asset register"""

    total: int
    items: list[DataAssetView]


class DataAssetView(TypedDict):
    """One entry of the data-asset register"""

    code: str
    zh: str
    en: str
    levels: list[str]
    owner: str
    custodian: str
    uses: list[str]
    consent: str
    retention_days: int | None
    locations: list[str]
    fields: int
    note: str
    changed_by: str | None
    changed: str | None


class DataClassView(TypedDict):
    """One class of data"""

    name: str
    zh: str
    en: str
    level: str
    owner: str
    readers: list[str]
    fields: int


class DayDigest(TypedDict):
    """The digest of a day of samples"""

    day: str
    version: int
    digest: str
    samples: int
    reason: str
    at: str
    fits: bool
    checked_at: str


class Decision(TypedDict):
    """What somebody decided about a conflict"""

    take: Literal['theirs', 'ours', 'link']
    """Whose value holds; `link` ties an unmatched record to the asset `code`"""
    code: NotRequired[str]
    """Asset code, for `link`"""
    note: NotRequired[str]
    """Why"""


class DecodeRequest(TypedDict):
    """A message nobody else can read"""

    payload: str
    """Its bytes, hexadecimal"""
    port: NotRequired[int]
    """Port or type number it came with"""


class Decoded(TypedDict):
    """What a decoder read"""

    values: dict[str, float]


class DeliveryPage(TypedDict):
    """A page of deliveries, newest first"""

    total: int
    items: list[DeliveryView]


class DeliveryView(TypedDict):
    """One event on its way to one webhook"""

    id: str
    webhook: str
    event: str
    subject: str
    created_at: str
    state: str
    attempts: int
    next_at: str | None
    last_status: int | None
    last_error: str
    delivered_at: str | None
    body: str


class DeviationEvent(TypedDict):
    """A deviation that was reported in the period"""

    code: str
    zh: str
    en: str
    rule_zh: str
    rule_en: str
    onset: str
    value: float | None
    limit: float | None
    state: str


class DeviceChange(TypedDict):
    """What is to change; fields left out stay"""

    model: NotRequired[str | None]
    asset: NotRequired[str | None]
    device: NotRequired[str | None]
    point_kind: NotRequired[str | None]
    duty: NotRequired[dict[str, float] | None]
    outdoor: NotRequired[bool | None]


class DeviceDetail(TypedDict):
    """All that is known of a device"""

    device: heatloop__app__device_life_views__DeviceView
    next: str
    open: list[OpenItem]
    selection: list[Check]
    installation: list[Check]
    ticks: list[TickItem]
    accessories: list[str]
    mismatches: list[Mismatch]
    records: list[RecordView]
    steps: list[str]
    runs: list[RunView]


class DevicePage(TypedDict):
    """A page of devices"""

    total: int
    states: dict[str, int]
    items: list[heatloop__app__device_life_views__DeviceView]


class DeviceTestRequest(TypedDict):
    """A functional test of one device"""

    confirm_heating: NotRequired[bool]
    """That heat is being delivered and the station is to be moved all the same"""
    window_s: NotRequired[float | None]
    feedback_pct: NotRequired[float | None]
    loop_step_k: NotRequired[float | None]
    loop_s: NotRequired[float | None]
    technician_s: NotRequired[float | None]
    recover_s: NotRequired[float | None]
    serial: str
    go_on: NotRequired[str]
    """A run of the device that was given up: what it passed is not done again"""


class DispatchCosts(TypedDict):
    """What a plan costs, yuan"""

    fuel_yuan: float
    co2_yuan: float
    power_yuan: float
    start_yuan: float
    other_yuan: float
    bill_yuan: float
    penalty_yuan: float


class DispatchEvent(TypedDict):
    """A failure of a heat source and what followed"""

    source: str
    zh: str
    en: str
    network: str
    units: list[str]
    onset: str
    plan: int | None
    plan_after_s: float | None
    covered_pct: float | None
    least_pct: float
    closed: str | None
    open: bool


class DispatchFigure(TypedDict):
    """A figure dispatch works with"""

    subject: str
    name: str
    zh: str
    en: str
    unit: str
    value: float
    low: float
    high: float
    entered: bool


class DispatchFigureEntry(TypedDict):
    """A figure as it was entered"""

    number: int
    subject: str
    name: str
    value: float
    valid_from: str
    note: str
    by: str
    at: str


class DispatchFigurePage(TypedDict):
    """A page of entries"""

    total: int
    items: list[DispatchFigureEntry]


class DispatchFollowing(TypedDict):
    """How far plans of a network act on the stations"""

    network: str
    stage: str
    stage_by: str
    plan: int | None
    why: str
    until: str | None
    delivered_pct: float
    cap_kw: float | None
    sources: list[DispatchSourceCap]


class DispatchNetworkView(TypedDict):
    """Heat sources that feed one network"""

    code: str
    zh: str
    en: str
    sources: list[str]
    load_kw: float
    area_m2: float


class DispatchNow(TypedDict):
    """Networks, and the plan that is in force or proposed for each"""

    plant_time: str
    networks: list[DispatchNetworkView]
    proposed: list[DispatchPlanRow]
    approved: list[DispatchPlanRow]
    failed: list[str]
    following: list[DispatchFollowing]


class DispatchOutage(TypedDict):
    """A time in which a unit or source may not run"""

    number: int
    subject: str
    kind: str
    start: str
    end: str
    note: str
    by: str


class DispatchPeriodHour(TypedDict):
    """One hour of one subject"""

    at: str
    plan_low: float | None
    plan: float | None
    plan_high: float | None
    forecast_low: float | None
    forecast: float | None
    forecast_high: float | None
    actual: float | None


class DispatchPeriodHours(TypedDict):
    """The hours of one subject in a period"""

    code: str
    zh: str
    en: str
    quantity: str
    hours: list[DispatchPeriodHour]


class DispatchPeriodPage(TypedDict):
    """A page of dispatch periods, newest first"""

    total: int
    items: list[DispatchPeriodRow]


class DispatchPeriodRow(TypedDict):
    """One dispatch period in the list"""

    day: str
    planned: int
    forecast: str


class DispatchPeriodSubject(TypedDict):
    """One subject in a period; heat as energy, temperatures as means, of the hours compared"""

    code: str
    zh: str
    en: str
    quantity: str
    unit: str
    plan: float | None
    forecast: float | None
    actual: float | None
    plan_actual: float | None
    forecast_actual: float | None
    deviation_pct: float | None
    hours: int
    outside: int
    forecast_mape_pct: float | None


class DispatchPeriodView(TypedDict):
    """A dispatch period: plan, forecast, what came, deviations"""

    day: str
    start: str
    end: str
    complete: bool
    forecast: str
    forecast_known: str | None
    total: int
    subjects: list[DispatchPeriodSubject]
    events_total: int
    events: list[DeviationEvent]


class DispatchPlanPage(TypedDict):
    """A page of plans"""

    total: int
    items: list[DispatchPlanRow]


class DispatchPlanRow(TypedDict):
    """A plan in a list"""

    number: int
    network: str
    reason: str
    state: str
    result: str
    made: str
    start: str
    hours: float
    bill_yuan: float
    split_yuan: float
    unserved_kwh: float
    by: str
    decided_by: str
    decided: str | None


class DispatchPlanView(TypedDict):
    """A plan with all its figures"""

    plan: DispatchPlanRow
    step_s: int
    explained: str
    kept: bool
    gap: float | None
    demand_from: str
    demand_kw: list[float]
    unserved_kw: list[float]
    surplus_kw: list[float]
    sell_yuan_kwh: list[float]
    least_covered_pct: float
    minimum_pct: float
    units: list[DispatchUnitSeries]
    storages: list[DispatchStorageSeries]
    relaxations: list[DispatchRelaxation]
    costs: DispatchCosts
    setpoints: list[DispatchSetpoint]


class DispatchRelaxation(TypedDict):
    """A soft limit a plan could not keep"""

    name: str
    subject: str
    cause: str
    start: str
    end: str
    most_kw: float
    total_kwh: float


class DispatchSetpoint(TypedDict):
    """A set-point a plan asks for now; advice until a person or an automatic stage sends it"""

    point: str
    value: float
    unit: str
    present: float | None


class DispatchSourceCap(TypedDict):
    """Most heat a source gives by the plan that is followed"""

    source: str
    zh: str
    en: str
    now_kw: float
    least_kw: float


class DispatchStorageSeries(TypedDict):
    """What a storage tank is to do"""

    code: str
    zh: str
    en: str
    capacity_kwh: float
    charge_kw: list[float]
    level_kwh: list[float]
    source: NotRequired[str]


class DispatchUnitSeries(TypedDict):
    """What a unit is to do"""

    code: str
    zh: str
    en: str
    source: str
    kind: str
    most_kw: float
    heat_kw: list[float]
    power_kw: list[float]
    reach_kw: NotRequired[list[float]]


class DocumentBody(TypedDict):
    """A signed document to be checked"""

    body: str
    key_id: str
    alg: str
    signature: str


class DocumentForm(TypedDict):
    """A paper of a device"""

    document: Literal['certificate', 'test_report', 'manual']
    file: str


class DoorStep(TypedDict):
    """One step before a command was signed"""

    step: str
    ok: bool
    at: str
    by: str
    detail: str


class DoubtedSensor(TypedDict):
    """A room sensor that does not count"""

    point: str
    reason: str
    trust: float


class Draft(TypedDict):
    """A profile as it would be, and what is wrong with it"""

    ok: bool
    rows: list[ProfileRow]
    bad_rows: NotRequired[list[dict[str, Any]]]
    doubts: NotRequired[list[dict[str, Any]]]


class DutyList(TypedDict):
    """What is due"""

    items: list[DutyView]


class DutyView(TypedDict):
    """Something to be done again and again"""

    register: str
    last_at: str | None
    due_at: str | None
    overdue: bool
    state: str


class EmergencyView(TypedDict):
    """Stops in force, and what happened before"""

    held: list[str]
    waiting: list[StopOrderView]
    orders: list[StopOrderView]


class Ended(TypedDict):
    """Sessions were ended"""

    sessions: int


class EnrolRequest(TypedDict):
    """A gateway's own public key and the token an administrator gave it"""

    gateway: str
    public_key: str
    """Ed25519 or SM2 public key, hexadecimal"""
    token: str
    certificate_request: NotRequired[SignedRequest | None]
    """Asks for the gateway's certificate as well"""


class Enrolled(TypedDict):
    """What a gateway gets when it enrols"""

    platform_public_key: str
    profile: dict[str, Any]
    platform_public_keys: list[str]
    keys_seq: int
    gateway_urls: list[str]
    certificate: str
    ca: str


class EraseRequest(TypedDict):
    """Whose data are to be erased, and why"""

    subject: str
    """Contract or person of the ledger"""
    reason: str
    """Who asked for it, and how"""
    dry_run: NotRequired[bool]
    """Whether only to tell what would go and what would stay"""


class ErasedField(TypedDict):
    """What becomes of one field of one subject"""

    subject: str
    sheet: str
    field: str
    action: str
    versions: int
    until: str | None
    law_zh: str
    law_en: str


class ErasurePage(TypedDict):
    """A page of erasures"""

    total: int
    items: list[ErasureView]


class ErasureView(TypedDict):
    """An erasure, a retention run, or the dry run of one"""

    id: str
    kind: str
    dry_run: bool
    subject: str
    reason: str
    by: str
    at: str
    subjects: int
    erased: int
    kept: int
    files: int
    fields: list[ErasedField]


class ErrorBody(TypedDict):
    """What went wrong"""

    code: str
    message_zh: str
    message_en: str
    thing: str
    place: str
    fix: str
    fix_zh: str
    rows: NotRequired[list[BadRowView] | None]


class ErrorEnvelope(TypedDict):
    """The one form of every error"""

    error: ErrorBody


class ErrorStatistics(TypedDict):
    """How far uploaded values and field readings were apart, for one point kind"""

    kind: str
    zh: str
    en: str
    unit: str
    readings: int
    bias: float
    rms: float
    p95: float
    worst: float
    tolerance: float
    within_pct: float


class EvidenceForm(TypedDict):
    """What was shown for one item of the GB/T 50893 checklist"""

    item: str
    file: str


class Expiry(TypedDict):
    """A month or year some of whose rows have expired"""

    table: str
    partition: int
    classes: list[str]
    whole: bool
    rows: int
    stored_bytes: int
    removed: int | None


class ExportChoice(TypedDict):
    """How an export is to go out"""

    how: Literal['passphrase', 'key', 'plain']
    """Encrypted for whoever knows a passphrase, for the holder of a key, or in clear"""
    passphrase: NotRequired[str]
    """At least 12 letters"""
    public_key: NotRequired[str]
    """X25519 or SM2 public key, hexadecimal"""
    reason: NotRequired[str]
    """Why in clear; kept in the audit trail"""


class ExportRule(TypedDict):
    """How exports may go out"""

    plain: str
    may_plain: bool


class ExportTicket(TypedDict):
    """A choice made beforehand"""

    ticket: str


class FactorView(TypedDict):
    """A second factor"""

    id: str
    kind: str
    label: str
    algorithm: str
    subject: str
    created_at: str
    used_at: str | None
    ends_at: str | None


class FailureForm(TypedDict):
    """A failure of a device in service"""

    down_h: float
    """How long it was down"""
    note: NotRequired[str]


class FieldGradePage(TypedDict):
    """A page of graded fields"""

    total: int
    items: list[FieldGradeView]


class FieldGradeView(TypedDict):
    """The grade of one field"""

    place: str
    dataset: str
    field: str
    class_name: str
    level: str
    owner: str


class FigureEntry(TypedDict):
    """A figure that holds from a time on"""

    subject: str
    """Asset, fuel, `electricity` or `company`"""
    name: str
    """Name of the figure"""
    value: float
    """Value in its unit"""
    valid_from: NotRequired[str | None]
    """From when; left out: now"""
    note: NotRequired[str]
    """Where it comes from"""


class FigureLineage(TypedDict):
    """Where a key figure comes from"""

    figure: str
    zh: str
    en: str
    asset: str
    start: str
    end: str
    value: float | None
    unit: str
    formula: str
    terms: list[FigureTerm]
    terms_total: int


class FigureTerm(TypedDict):
    """One part of a figure"""

    point: LineagePoint
    factor: float
    value: float | None
    unit: str
    samples: int
    expected: int
    windows: int


class FileView(TypedDict):
    """A kept file"""

    sha256: str
    media: str
    size_bytes: int
    name: str


class Filing(TypedDict):
    """A filing of the platform with the police, and its last annual assessment"""

    system: str
    """Name of the system as it was filed"""
    number: str
    """Number of the certificate"""
    level: int
    """Level of protection"""
    filed: str
    """Day of filing"""
    assessed: NotRequired[str | None]
    """Day of the last assessment"""


class Finding(TypedDict):
    """Something a scan found"""

    id: str
    """Its name, for example a CVE"""
    package: NotRequired[str]
    """What has it"""
    severity: NotRequired[str]
    """`critical`, `high`, `medium` or `low`"""
    published_s: NotRequired[float | None]
    """When it became known, seconds since 1970 UTC"""
    fixed_in: NotRequired[str]
    """First version without it"""


class FleetReport(TypedDict):
    """What all devices together show"""

    label: dict[str, float]
    failing: list[Check]
    radio: list[Check]
    rooms: list[Check]
    reliability: list[dict[str, Any]]


class ForecastIssuePage(TypedDict):
    """A page of issues, newest first"""

    total: int
    items: list[ForecastIssueView]


class ForecastIssueView(TypedDict):
    """One run of the forecaster"""

    number: int
    known: str
    start: str
    reason: str
    weather: str
    subjects: int
    failed: int
    took_s: float


class ForecastSkill(TypedDict):
    """Skill of a week"""

    week: str
    weeks: list[str]
    hindcast_days: int
    total: int
    rows: list[ForecastSkillRow]


class ForecastSkillRow(TypedDict):
    """How right the day-ahead forecasts of a subject were in a week"""

    code: str
    zh: str
    en: str
    kind: str
    quantity: str
    hours: int
    mean: float | None
    mae: float | None
    rmse: float | None
    mape_pct: float | None
    coverage_pct: float | None
    naive_mae: float | None
    naive_mape_pct: float | None


class ForecastStatus(TypedDict):
    """How forecasting is doing, and what is forecast"""

    plant_time: str
    enabled: bool
    running: bool
    late: bool
    failure: str
    next_due: str
    last: ForecastIssueView | None
    total: int
    subjects: list[ForecastSubject]


class ForecastStep(TypedDict):
    """One step of a chart: what came, what was expected, and the weather"""

    at: str
    actual: float | None
    low: float | None
    middle: float | None
    high: float | None
    outdoor_c: float | None
    plan_low: float | None
    plan_high: float | None


class ForecastSubject(TypedDict):
    """Something that is forecast, with what its newest forecast says of the next day"""

    code: str
    zh: str
    en: str
    kind: str
    quantity: str
    next_day: float | None
    peak: float | None
    model: str


class ForecastView(TypedDict):
    """The forecast of one subject as it was known at a time"""

    code: str
    zh: str
    en: str
    kind: str
    quantity: str
    step_s: int
    issue: ForecastIssueView | None
    model: str
    weights: dict[str, float]
    skill: dict[str, float]
    baseline: dict[str, float]
    steps: list[ForecastStep]


class GapPage(TypedDict):
    """A page of gaps"""

    total: int
    items: list[GapView]


class GapView(TypedDict):
    """A span in which values are missing, and why"""

    gateway: str
    device: str
    start: str
    end: str | None
    cause: str


class GateRecordPage(TypedDict):
    """A page of records of the gate"""

    total: int
    items: list[GateRecordView]


class GateRecordView(TypedDict):
    """A record of the reverse gate"""

    id: str
    kind: str
    place: str
    at: str
    state: str
    reason: str


class GatewayList(TypedDict):
    """All gateways the reader may see"""

    items: list[GatewayView]


class GatewayView(TypedDict):
    """A gateway and the state of its link"""

    code: str
    zh: str
    en: str
    kind: str
    channel: str
    monthly_cost_yuan: float
    capacity_kbps: float
    spare_channel: str
    spare_monthly_cost_yuan: float
    spare_capacity_kbps: float
    carries: str | None
    enrolled: bool
    connected: bool
    last_seen: str | None
    epoch: str | None
    through: int | None
    profile_version: int
    devices: int
    points: int


class GiveRequest(TypedDict):
    """A data set for somebody outside"""

    receiver: str
    """Who gets it"""
    purpose: str
    """What for"""
    reason: str
    """Why now"""
    fields: list[str]
    """Fields"""
    start: str
    """Begin of the time window"""
    end: str
    """End of it"""
    asset: NotRequired[str]
    """Part of the plant; empty: all of it"""
    k: NotRequired[int]
    """Least number of households that look alike; never less than the settings say"""


class GivenPage(TypedDict):
    """A page of data sets made for others"""

    total: int
    items: list[GivenView]


class GivenView(TypedDict):
    """A data set made for somebody outside"""

    id: str
    receiver: str
    purpose: str
    reason: str
    fields: list[str]
    start: str
    end: str
    k: int
    state: str
    permit: str
    by: str
    at: str
    rows: int
    suppressed: int
    left_out: int
    k_reached: int
    loss_pct: float
    steps: dict[str, int]
    sha256: str
    size_bytes: int
    kept: bool


class GlassRequest(TypedDict):
    """The one-time token, and why nobody can be waited for"""

    token: str
    why: str


class GradingView(TypedDict):
    """Classes, levels, purposes and clearances in force"""

    classes: list[DataClassView]
    levels: list[NamedView]
    purposes: list[NamedView]
    clearances: list[RoleClearanceView]
    approval_from: str


class Grid(TypedDict):
    """Series on one grid of time"""

    step_s: int
    statistic: str
    fill: str
    max_gap_s: int
    at: list[str]
    series: list[GridSeries]


class GridSeries(TypedDict):
    """One point's values on an even grid"""

    point: str
    zh: str
    en: str
    unit: str
    value: list[float | None]
    filled: list[bool]
    count: list[int]


class GuessedColumn(TypedDict):
    """What a column of an unknown feed seems to hold"""

    name: str
    type: str
    unit: str
    unit_from: str
    kinds: list[str]
    filled: int
    low: float | None
    high: float | None
    bad_codes: list[float]
    counter: bool
    note_zh: str
    note_en: str


class Health(TypedDict):
    """Whether everything works"""

    status: str
    layers: dict[str, bool]
    parts: list[Part]


class HistoryCheck(TypedDict):
    """A check of records drawn at random (clause 9.2.2)"""

    seed: int
    checked: int
    passed: int
    findings: list[HistoryFinding]


class HistoryFinding(TypedDict):
    """A record whose history does not lead to what it is"""

    table: str
    id: str
    detail: str


class HistoryTable(TypedDict):
    """A table whose records have a history"""

    table: str
    kept_by: str
    key: list[str]
    records: int


class HistoryTables(TypedDict):
    """Tables of the records and how they keep their history"""

    items: list[HistoryTable]


class HurtStation(TypedDict):
    """A station that a write would starve or strain"""

    code: str
    zh: str
    en: str
    dp_kpa: float
    dp_after_kpa: float | None
    supply_kpa: float
    supply_after_kpa: float | None


class ImportGuess(TypedDict):
    """What an unknown feed seems to be, and a draft of its mapping"""

    file: str
    shape: str
    rows: int
    encoding: str
    separator: str
    decimal: str
    time_column: str
    time_format: str
    time_has_zone: bool
    period_s: float | None
    columns: list[GuessedColumn]
    mapping: str
    questions_zh: list[str]
    questions_en: list[str]


class ImportPage(TypedDict):
    """A page of imports, newest first"""

    total: int
    items: list[ImportRun]


class ImportRun(TypedDict):
    """One import. `rows_in` = `stored` + `refused` + `repeated`"""

    id: str
    file: str
    state: str
    dry_run: bool
    by: str
    started_at: str
    ended_at: str | None
    progress_pct: float
    rows_in: int
    stored: int
    refused: int
    repeated: int
    empty: int
    flagged: int
    rows_per_s: float | None
    reasons: list[RefusedReason]
    points: list[ImportedPoint]
    error: str


class ImportedPoint(TypedDict):
    """What an import brought for one point: where its samples come from"""

    code: str
    stored: int
    first: str
    last: str


class IncomingRecord(TypedDict):
    """One record of another system"""

    entity: Literal['contract', 'flat', 'building', 'community', 'ticket']
    """What it is about"""
    id: str
    """Its id in the other system"""
    code: NotRequired[str]
    """Asset code here, if the other system knows it"""
    parent: NotRequired[str]
    """Flat or building of a new contract: an asset code, or the other system's id of it"""
    revision: int
    """Rises with every change in the other system"""
    changed: str
    """When it was changed there"""
    checksum: str
    """SHA-256 over the canonical JSON of entity, id, revision, deleted and fields"""
    deleted: NotRequired[bool]
    """Whether it is gone there"""
    fields: dict[str, bool | int | float | str | None]
    """Its fields; those left out stay as they are"""


class Info(TypedDict):
    """What the sign-in page may know"""

    version: str
    demo: bool
    company_zh: str
    company_en: str
    time_zone: str
    plant_time: str
    speed: float


class Infrastructure(TypedDict):
    """Machines and what they have left (clause 6.2 a)"""

    at: str
    headroom_pct: float
    machines: list[Machine]
    warnings: list[str]


class InstallationForm(TypedDict):
    """What a technician records at the place"""

    location: NotRequired[str]
    lat: NotRequired[float | None]
    lon: NotRequired[float | None]
    outdoor: NotRequired[bool]
    photos: NotRequired[list[str]]
    signed_by: NotRequired[str]
    height_m: NotRequired[float | None]
    room: NotRequired[str]
    heater_m: NotRequired[float | None]
    window_m: NotRequired[float | None]
    outer_wall: NotRequired[bool | None]
    distance_mm: NotRequired[float | None]
    dn_mm: NotRequired[float | None]
    upstream_d: NotRequired[float | None]
    downstream_d: NotRequired[float | None]
    antifreeze: NotRequired[str]
    rssi_dbm: NotRequired[float | None]
    success_pct: NotRequired[float | None]
    ticks: NotRequired[dict[str, bool]]


class InstanceList(TypedDict):
    """Every instance, and which one works"""

    redundant: bool
    active: str
    active_url: str
    since: str | None
    token: int
    lease_s: float
    now: str
    historian: str
    items: list[InstanceView]


class InstanceView(TypedDict):
    """One platform instance"""

    name: str
    url: str
    version: str
    role: str
    this: bool
    started: str | None
    seen: str | None
    silent_s: float
    lag_s: float | None


class IntegrityPage(TypedDict):
    """Digests of days, newest first, and the roots of months"""

    total: int
    misfits: int
    checking: bool
    items: list[DayDigest]
    months: list[MonthRoot]


class InterfaceState(TypedDict):
    """One way out of the platform and how it does"""

    name: str
    zh: str
    en: str
    enabled: bool
    connected: bool
    clients: int
    sent: int
    dropped: int
    waiting: int
    last_error: str
    last_error_at: str | None
    address: str
    detail: str


class InterfacesView(TypedDict):
    """All open interfaces"""

    items: list[InterfaceState]
    subscribers: list[SubscriberView]


class IssuedCertificate(TypedDict):
    """A gateway's certificate"""

    certificate: str
    ca: str
    not_after: str
    gateway_urls: list[str]


class Joined(TypedDict):
    """The samples of one point, each with what the others last said"""

    left: str
    unit: str
    tolerance_s: int
    at: list[str]
    value: list[float | None]
    right: list[JoinedSeries]
    truncated: bool


class JoinedSeries(TypedDict):
    """What another point last said at each time of the first"""

    point: str
    unit: str
    value: list[float | None]
    age_s: list[int | None]


class KeepingRun(TypedDict):
    """One run of a backup, a check of one, or a restore"""

    id: str
    kind: str
    state: str
    user: str
    target: str
    chain: str
    started_at: str
    ended_at: str | None
    seconds: float | None
    plant_at: str | None
    progress: float | None
    encrypted: bool
    verified: bool | None
    bytes: int
    new_bytes: int
    parts: list[PartFigures]
    error: str
    findings: list[str]


class KeepingRunPage(TypedDict):
    """A page of runs, newest first"""

    total: int
    items: list[KeepingRun]


class KeepingState(TypedDict):
    """Whether everything is kept as it should be"""

    ok: bool
    target: str
    encrypted: bool
    passphrase: str
    running: str | None
    last_full: str | None
    last_backup: str | None
    last_verified: str | None
    rpo_minutes: float | None
    rpo_limit_minutes: float
    last_restore_minutes: float | None
    rto_limit_minutes: float
    next_full: str | None
    next_incremental: str | None
    problems: list[str]
    days: int
    misfits: int
    checked_at: str | None


class KeptFile(TypedDict):
    """A kept file: photo, voice, paper or document"""

    sha256: str
    name: str
    media: str
    size_bytes: int
    user: str
    at: str


class KeptFilePage(TypedDict):
    """A page of files, newest first"""

    total: int
    items: list[KeptFile]


KeyKind = Literal['data', 'signing']


class KeyList(TypedDict):
    """The platform's keys"""

    suite: str
    suites: list[str]
    keys: list[KeyView]
    reseal: ResealView | None
    gateways_behind: list[str]


class KeyView(TypedDict):
    """A key of the platform"""

    kind: str
    id: str
    algorithm: str
    current: bool
    made_at: str | None
    source: str
    values: int
    public_key: str


class KindSize(TypedDict):
    """What samples of one point kind take, kept by themselves"""

    kind: str
    zh: str
    en: str
    point_class: str
    points: int
    samples: int
    bytes_a_sample: float | None
    ratio: float | None


class LabelPage(TypedDict):
    """Labels of all accounts"""

    total: int
    items: list[LabelView]


class LabelRequest(TypedDict):
    """A security label for a person"""

    level: str
    """How far he may see"""
    categories: list[str]
    """What he may deal with"""
    reason: str
    """Why; it stands in the audit trail"""


class LabelView(TypedDict):
    """The security label of an account"""

    name: str
    roles: list[str]
    level: str
    categories: list[str]
    given: bool
    usual_level: str
    usual_categories: list[str]
    reason: str
    given_by: str | None
    given_at: str | None


class Labelled(TypedDict):
    """A name for something of one's own"""

    label: str


class LedgerImported(TypedDict):
    """A ledger was read"""

    ok: bool
    version: int
    dry_run: bool
    assets: int
    points: int


class LimitsForm(TypedDict):
    """A company's own limits; fields left out are the standard's"""

    room_accuracy_c: NotRequired[float | None]
    pipe_accuracy_c: NotRequired[float | None]
    pressure_range_ratio: NotRequired[float | None]
    pressure_class: NotRequired[float | None]
    pressure_span_pct: NotRequired[list[float] | None]
    temperature_span_pct: NotRequired[list[float] | None]
    indoor_ip: NotRequired[int | None]
    outdoor_ip: NotRequired[int | None]
    efficiency_pct: NotRequired[dict[str, float] | None]
    bands_mhz: NotRequired[list[list[float]] | None]


class Lineage(TypedDict):
    """Where the values of a point in a span come from"""

    point: LineagePoint
    start: str
    end: str
    ledger_version: int
    profile_version: int | None
    computed_by: str | None
    inputs: list[LineagePoint]
    inputs_total: int
    bindings: list[LineageBinding]
    receptions: list[LineageReception]
    samples: list[LineageSample]
    samples_total: int
    raw_kept: bool
    qualities: list[QualityCount]
    revisions: list[LineageRevision]
    windows: list[LineageWindow]


class LineageBinding(TypedDict):
    """How a point's raw value is read"""

    since: str
    device: str
    gateway: str
    protocol: str
    profile: str
    register: int
    source: str
    dtype: str
    factor: float
    offset: float
    period_s: int


class LineagePoint(TypedDict):
    """A point at the root of a number"""

    point: str
    asset: str
    kind: str
    zh: str
    en: str
    unit: str
    role: str


class LineageReception(TypedDict):
    """What is known of a gateway's deliveries"""

    gateway: str
    epoch: str
    through: int
    at: str


class LineageRevision(TypedDict):
    """A repair laid over raw samples"""

    method: str
    who: str
    start: str
    end: str
    samples: int
    case: str | None
    rule: str | None
    cause: str | None


class LineageSample(TypedDict):
    """One sample as readers get it, and what lies below it"""

    at: str
    value: float | None
    quality: str
    measured: float | None
    measured_quality: str | None
    reception: str | None
    versions: int
    revision: int | None


class LineageWindow(TypedDict):
    """A roll-up window"""

    start: str
    step_s: int
    samples: int
    good: int
    mean: float | None
    last: float | None
    origin: str


class LinkHistory(TypedDict):
    """How links did over a period"""

    start: str
    end: str
    by: str
    success_rule_pct: float
    steps: list[LinkStep]
    asked: int
    answered: int
    success_pct: float | None
    devices: int
    devices_below: int
    spare_spans: list[SpareSpan]


class LinkReportView(TypedDict):
    """Links over a period"""

    start: str
    end: str
    by: str
    success_rule_pct: float
    margin_rule_pct: float
    items: list[LinkRowView]
    costs: list[ChannelCost]


class LinkRowView(TypedDict):
    """One gateway, device or channel over a period"""

    code: str
    zh: str
    en: str
    gateway: str
    channel: str | None
    medium: str
    asked: int
    answered: int
    success_pct: float | None
    passed: bool | None
    failed: dict[str, int]
    rtt_median_ms: float | None
    rtt_p95_ms: float | None
    bytes_up: int
    bytes_down: int
    capacity_kbps: float | None
    used_p95_kbps: float | None
    margin_pct: float | None
    margin_passed: bool | None
    rssi_dbm: float | None
    snr_db: float | None
    blind: str | None


class LinkStep(TypedDict):
    """Success in one hour, or in one day of the company's zone"""

    at: str
    asked: int
    answered: int
    success_pct: float | None


class LinksNow(TypedDict):
    """How links are now: the last 24 hours, and 7 days for blind spots"""

    at: str
    gateways: list[LinkRowView]
    channels: list[LinkRowView]
    blind_spots: list[LinkRowView]
    costs: list[ChannelCost]


class Machine(TypedDict):
    """A machine the platform runs on or watches"""

    code: str
    name: str
    kind: str
    at: str | None
    parts: list[MachinePart]


class MachinePart(TypedDict):
    """A resource of a machine"""

    name: str
    zh: str
    en: str
    used: float | None
    total: float | None
    unit: str
    headroom_pct: float | None
    enough: bool | None


class MaintenanceAction(TypedDict):
    """A maintenance action"""

    number: int
    action: str
    state: str
    user: str
    reason: str
    started_at: str
    ended_at: str | None
    result: dict[str, Any]


class MaintenancePage(TypedDict):
    """A page of actions, newest first"""

    total: int
    items: list[MaintenanceAction]


class Mismatch(TypedDict):
    """One difference between what was bought and what came"""

    kind: str
    subject: str
    zh: str
    en: str


class ModeRequest(TypedDict):
    """A station mode"""

    mode: Literal['local', 'remote_manual', 'automatic']


class ModelCharacteristic(TypedDict):
    """What else is learned of a unit: its weather curve, primary valve or plate exchanger"""

    kind: str
    version: int | None
    error: float | None
    error_unit: str
    challenger: int | None
    former: int | None
    state: str
    looked: str | None
    versions: list[ModelVersionView]
    days: list[ModelDay]


class ModelDay(TypedDict):
    """A day foretold by a version"""

    version: int
    day: str
    mae_k: float
    bias_k: float


class ModelDetail(TypedDict):
    """One unit"""

    summary: ModelSummary
    versions: list[ModelVersionView]
    days: list[ModelDay]
    events: list[ModelEvent]
    characteristics: list[ModelCharacteristic]


class ModelEvent(TypedDict):
    """Something that happened to a version"""

    at: str
    unit: str
    kind: str
    version: int
    action: str
    reason: str
    by: str
    detail: dict[str, Any]


class ModelEventPage(TypedDict):
    """A page of events"""

    total: int
    items: list[ModelEvent]


class ModelPage(TypedDict):
    """A page of units"""

    total: int
    learned: int
    drifting: int
    items: list[ModelSummary]


class ModelSummary(TypedDict):
    """The model in force of a unit"""

    unit: str
    zh: str
    en: str
    version: int | None
    learned: bool
    learned_until: str | None
    loss_kw_k: float | None
    loss_sigma_pct: float | None
    capacity_kwh_k: float | None
    time_constant_h: float | None
    mae_k: float | None
    drift: float
    drift_limit: float
    challenger: int | None
    former: int | None
    state: str
    looked: str | None
    failure: str


class ModelVersionView(TypedDict):
    """A version with its card"""

    version: int
    stage: str
    learned: bool
    at: str
    data_from: str | None
    data_until: str
    parent: int
    digest: str
    model: dict[str, Any]
    card: dict[str, Any]


class ModelView(TypedDict):
    """A device model with what is known of its papers"""

    model: dict[str, Any]
    class_zh: str
    class_en: str
    checks: list[Check]
    missing_zh: list[str]
    missing_en: list[str]
    devices: int


class ModuleChange(TypedDict):
    """Whether a module runs"""

    enabled: bool
    """Whether it is to run"""


class ModuleView(TypedDict):
    """One module: ours or a plug-in's"""

    name: str
    zh: str
    en: str
    kind: str
    version: str
    author: str
    inputs: list[str]
    outputs: list[str]
    api: str
    distribution: str
    state: str
    reason_zh: str
    reason_en: str
    calls: int
    failures: int
    last_error: str
    last_ms: float | None


class ModulesView(TypedDict):
    """All modules"""

    api: str
    accepted: list[str]
    items: list[ModuleView]


class MonthRoot(TypedDict):
    """The Merkle root over the days of a month"""

    month: str
    root: str
    days: int
    at: str


class NMinusOneRow(TypedDict):
    """What the failure of a source or unit would leave uncovered"""

    subject: str
    zh: str
    en: str
    whole_source: bool
    lost_kw: float
    left_kw: float
    uncovered_kw: float
    covered_pct: float
    storage_h: float | None
    houses_h: float | None
    holds: bool


class NMinusOneView(TypedDict):
    """The N-1 check of a network"""

    network: str
    at: str
    outdoor_c: float
    need_kw: float
    least_pct: float
    least_room_c: float
    rows: list[NMinusOneRow]


class NamedThing(TypedDict):
    """An asset by its code and names"""

    code: str
    zh: str
    en: str


class NamedView(TypedDict):
    """A word of a closed list"""

    name: str
    zh: str
    en: str


class NetworkCandidate(TypedDict):
    """A supply-temperature trajectory after its run through the network"""

    supply_c: list[float]
    cost_yuan: float
    loss_kwh: float
    pump_kwh: float
    return_c: float
    cold_kh: float
    coldest: str
    margin_k: float


class NetworkHead(TypedDict):
    """What a source's pumps have to hold at the greatest demand"""

    source: str
    head_kpa: float
    flow_kgs: float


class NetworkNode(TypedDict):
    """A source, station or pipe node with what the twin says of it"""

    code: str
    zh: str
    en: str
    kind: str
    lat: float | None
    lon: float | None
    elevation_m: float | None
    state: str
    supply_kpa: float | None
    return_kpa: float | None
    pressure_sigma_kpa: float | None
    supply_c: float | None
    return_c: float | None


class NetworkPlanView(TypedDict):
    """Set-points of a primary network for the day ahead; advice"""

    network: str
    start: str
    step_s: int
    demand_from: str
    candidates: list[NetworkCandidate]
    heads: list[NetworkHead]
    worst: str
    least_kpa: float
    pumps: list[NetworkPump]
    units: list[NetworkUnit]
    given_pct: float
    setpoints: list[DispatchSetpoint]


class NetworkPump(TypedDict):
    """A booster station, or the pump of a pressure-isolation station"""

    station: str
    zh: str
    en: str
    kind: str
    head_kpa: float
    flow_kgs: float
    inlet_kpa: float
    worst: str
    supply_c: float | None
    enough: bool
    separable: bool


class NetworkSegment(TypedDict):
    """A pair of pipes"""

    code: str
    zh: str
    en: str
    from_node: str
    to_node: str
    length_m: float | None
    dn_mm: float | None
    flow_m3h: float | None
    flow_sigma_m3h: float | None
    return_flow_m3h: float | None
    velocity_m_s: float | None
    gradient_pa_m: float | None
    supply_c: float | None


class NetworkUnit(TypedDict):
    """Primary flow of a unit and the valve it takes"""

    unit: str
    station: str
    zh: str
    en: str
    flow_m3h: float
    arrives_c: float
    opening_pct: float
    present_pct: float | None
    spare_kpa: float
    short: bool


class NetworkView(TypedDict):
    """The network as it is now"""

    at: str | None
    state: str
    reason: str
    fresh: bool
    metered: int
    took_ms: float
    nodes: list[NetworkNode]
    segments: list[NetworkSegment]
    suspects: list[SuspectReading]


class NewDevice(TypedDict):
    """A device that is planned"""

    serial: str
    model: str
    asset: NotRequired[str]
    """Asset or gateway it belongs to"""
    device: NotRequired[str]
    """Ledger device it is, or is read by"""
    point_kind: NotRequired[str]
    """What an instrument measures"""
    purchase: NotRequired[str]
    duty: NotRequired[dict[str, float]]
    """Design values told for this device"""
    outdoor: NotRequired[bool]


class NewKey(TypedDict):
    """A public key or certificate, and the proof that its private key is at hand"""

    label: str
    pem: str
    """PEM of the public key or certificate"""
    signature: str
    """Hexadecimal signature over the last challenge of this session"""


class ObservationImport(TypedDict):
    """Observations from a file or another program"""

    source: str
    """Name they are kept under; `file:` is put before it"""
    hours: list[ObservedHour]
    """The observations; an hour sent again is replaced"""


class ObservedHour(TypedDict):
    """The weather at one time; leave out what is not known"""

    at: str
    """Time it holds for"""
    condition: NotRequired[int | None]
    """WMO 4677 code of the sky"""
    temperature_c: NotRequired[float | None]
    """Air temperature, degC"""
    humidity_pct: NotRequired[float | None]
    """Relative humidity, %"""
    temperature_max_c: NotRequired[float | None]
    """Highest temperature of the local day, degC"""
    temperature_min_c: NotRequired[float | None]
    """Lowest temperature of the local day, degC"""
    wind_deg: NotRequired[float | None]
    """Direction the wind comes from, degrees"""
    wind_ms: NotRequired[float | None]
    """Wind speed, m/s"""
    solar_w_m2: NotRequired[float | None]
    """Global radiation, W/m2"""
    direct_w_m2: NotRequired[float | None]
    """Direct normal radiation, W/m2"""
    diffuse_w_m2: NotRequired[float | None]
    """Diffuse radiation, W/m2"""


class OfferedField(TypedDict):
    """A field that may be given to others, and how"""

    field: str
    zh: str
    en: str
    how: str


class OpenItem(TypedDict):
    """Something that holds a device back"""

    item: str
    stage: str
    zh: str
    en: str
    waived: NotRequired[bool]


class OutageEntry(TypedDict):
    """A time in which a unit or source may not run"""

    subject: str
    """Asset code"""
    kind: NotRequired[Literal['maintenance', 'failure']]
    """Why"""
    start: str
    """From when"""
    end: str
    """Until when"""
    note: NotRequired[str]
    """Remark"""


class OutageView(TypedDict):
    """What closing a pipe, or its burst, means"""

    segment: NamedThing
    shut: CutView
    burst: CutView


class Overview(TypedDict):
    """Everything the first screen shows"""

    plant_time: str
    speed: float
    outdoor_temperature_c: float | None
    totals: Totals
    sources: list[SourceCard]
    substations: list[SubstationCard]


class OwnSession(TypedDict):
    """A session of one's own"""

    id: str
    current: bool
    kind: str
    address: str
    device: str
    factors: list[str]
    created_at: str
    seen_at: str


class Part(TypedDict):
    """One part of the system and whether it works"""

    name: str
    layer: str
    ok: bool
    detail: str


class PartFigures(TypedDict):
    """One part of a backup"""

    name: str
    files: int
    bytes: int
    new_bytes: int
    counts: dict[str, int]


class PasswordChange(TypedDict):
    """The present and the new password"""

    old: str
    new: str


class PeriodReport(TypedDict):
    """Effective acquisition periods (clauses 6.1.2 b and e)"""

    start: str
    end: str
    tolerance_pct: float
    limit_s: float
    points: int
    within: int
    silent: int
    asked_fast: int
    slow: int
    p99_s: float | None
    total: int
    items: list[PeriodRow]


class PeriodRow(TypedDict):
    """How often a point really came"""

    point: str
    device: str
    period_s: int
    effective_s: float | None
    deviation_pct: float | None
    p99_s: float | None
    longest_s: float | None
    samples: int
    within: bool
    fast_enough: bool | None


class PermitDecision(TypedDict):
    """Whether an export may happen"""

    approve: bool
    """Whether it may"""
    hours: NotRequired[float]
    """How long, machine time"""
    note: NotRequired[str]
    """Why, or why not"""


class PermitPage(TypedDict):
    """A page of approval tickets, newest first"""

    total: int
    items: list[PermitView]


class PermitRequest(TypedDict):
    """What somebody wants to export, and why"""

    purpose: str
    """One of the purposes of the grading"""
    classes: list[str]
    """Classes of data"""
    level: NotRequired[Literal['L1', 'L2', 'L3', 'L4']]
    """Highest level"""
    subject: NotRequired[str]
    """Asset to limit it to, with all below"""
    reason: str
    """Why"""


class PermitView(TypedDict):
    """An approval ticket for exports"""

    id: str
    user: str
    purpose: str
    classes: list[str]
    level: str
    subject: str
    reason: str
    state: str
    asked: str
    decided_by: str | None
    decided: str | None
    note: str
    expires: str | None
    uses: int


class PersonalFieldView(TypedDict):
    """One field of the purpose register"""

    place: str
    dataset: str
    field: str
    level: str
    mask: str
    subject: str
    purposes: list[str]
    basis: str
    retention_days: int
    legal_days: int
    legal_zh: str
    legal_en: str
    zh: str
    en: str
    held: int


class PersonalRegister(TypedDict):
    """What is collected about persons"""

    total: int
    items: list[PersonalFieldView]
    findings: list[str]


class PhysicsView(TypedDict):
    """What the twin says to a write that moves water"""

    state: str
    why: str
    at: str | None
    took_ms: float
    least_dp_kpa: float
    most_supply_kpa: float
    starved: int
    strained: int
    hurt: list[HurtStation]


class PlaceCompleteness(TypedDict):
    """How complete the data of one place were on a day"""

    asset: str
    zh: str
    en: str
    points: int
    expected: int
    stored: int
    good: int
    share_pct: float | None
    worst_point: str | None
    worst_pct: float | None


class PlanChange(TypedDict):
    """Whether a plan goes on"""

    active: bool
    """Whether tasks are made"""


class PlanCreate(TypedDict):
    """What is to be checked regularly"""

    name: str
    """What people call it"""
    asset: NotRequired[str]
    """Asset whose points are drawn, with all below; empty: the whole company"""
    kinds: NotRequired[list[str]]
    """Point kinds; empty: all that a person can read"""
    points: NotRequired[int]
    """Points drawn each time"""
    every_days: NotRequired[float]
    """Days between tasks, plant time"""
    days_to_answer: NotRequired[float]
    """Days until a task is overdue"""


class PlanDecision(TypedDict):
    """What is decided about a plan"""

    approve: bool
    """Approve or reject"""


class PlanRequest(TypedDict):
    """A plan to be made now"""

    network: NotRequired[str]
    """Network; empty: the first"""
    hours: NotRequired[int]
    """Hours ahead"""
    without: NotRequired[list[str]]
    """Sources or units taken to have failed now; the plan is then a what-if"""


class PlanStanding(TypedDict):
    """One value beside its planned band"""

    code: str
    zh: str
    en: str
    station: str
    quantity: str
    actual: float | None
    low: float
    plan: float
    high: float
    state: str
    since: str


class PointChoice(TypedDict):
    """Which points; what is empty does not narrow, several values are alternatives"""

    points: NotRequired[list[str]]
    """Point codes"""
    asset: NotRequired[list[str]]
    """Asset codes: their points and those of everything below"""
    kind: NotRequired[list[str]]
    """Point kinds"""
    medium: NotRequired[list[str]]
    """Tag"""
    side: NotRequired[list[str]]
    """Tag"""
    quantity: NotRequired[list[str]]
    """Tag"""
    role: NotRequired[list[str]]
    """Tag"""
    stage: NotRequired[list[str]]
    """Tag"""
    asset_kind: NotRequired[list[str]]
    """Kinds of asset the points belong to"""
    scope: NotRequired[str]
    """Path in the organisation or on the heat path"""
    within: NotRequired[str]
    """GeoJSON Polygon, or lon,lat;lon,lat;lon,lat"""
    upstream_of: NotRequired[str]
    """Asset code"""
    downstream_of: NotRequired[str]
    """Asset code"""
    q: NotRequired[str]
    """Question in words"""
    everything: NotRequired[bool]
    """Every point of the scope"""


class PointPage(TypedDict):
    """A page of points"""

    total: int
    items: list[PointView]


class PointStatistics(TypedDict):
    """Statistics of one point, as arrays of one length, one place a window"""

    point: str
    zh: str
    en: str
    unit: str
    integral_unit: str
    at: list[int]
    name: list[str]
    count: list[int]
    low: list[float | None]
    mean: list[float | None]
    high: list[float | None]
    integral: list[float | None]
    last: list[float | None]
    good: list[int]
    uncertain: list[int]
    bad: list[int]
    stale: list[int]
    estimated: list[int]


class PointView(TypedDict):
    """A point with its latest value"""

    code: str
    key: int
    asset: str
    kind: str
    n: int
    zh: str
    en: str
    unit: str
    decimals: int
    access: str
    low: float | None
    high: float | None
    value: float | None
    quality: str | None
    at: str | None


class PortScan(TypedDict):
    """What `heatloop check ports --json` says, run from another machine"""

    target: str
    """Host that was tried"""
    open: list[int]
    """Ports that answered"""


class PortScanView(TypedDict):
    """Which ports answer, against which may"""

    target: str
    open: list[int]
    allowed: list[int]
    undeclared: list[int]


class PressureProfile(TypedDict):
    """Pressures along the way of the water from a source to a station"""

    to: str
    source: str
    at: str | None
    length_m: float
    limit_kpa: float
    static_head_m: float | None
    points: list[ProfilePoint]


class ProbeBody(TypedDict):
    """A device to ask"""

    url: str
    """As for `heatloop field probe`"""


class ProbeState(TypedDict):
    """One probe"""

    id: str
    url: str
    state: str
    report: NotRequired[dict[str, Any] | None]
    error: NotRequired[str]
    fix: NotRequired[str]


class ProfileBody(TypedDict):
    """A device profile of the company's own"""

    profile: str
    """Name, `own_...`"""
    zh: str
    """Chinese name"""
    en: NotRequired[str]
    """English name"""
    assets: list[str]
    """Kinds of assets such a device may serve"""
    protocols: list[str]
    """Protocols it speaks"""
    choices: list[ProfileChoice]
    """Its values"""


class ProfileChoice(TypedDict):
    """One value a probe found, and the point it becomes"""

    kind: str
    """Point kind"""
    n: NotRequired[int]
    """Number of the point when there are several of the kind"""
    child: NotRequired[str]
    """`device`, or the kind of the child the value belongs to"""
    stride: NotRequired[int]
    """Registers from one child to the next"""
    register: NotRequired[int | None]
    """As the probe found it"""
    source: NotRequired[str]
    """As the probe found it"""
    dtype: NotRequired[str]
    """As the probe found it, or one of its guesses"""
    word_order: NotRequired[Literal['', 'ABCD', 'CDAB', 'BADC', 'DCBA']]
    """Of the value, where it differs from the device's"""
    unit: NotRequired[str]
    """As the device said it"""
    value: NotRequired[float | None]
    """As the probe saw it, not scaled"""
    factor: NotRequired[float | None]
    """Raw to house unit; left out: suggested"""
    offset: NotRequired[float]
    """Raw to house unit"""
    access: NotRequired[Literal['r', 'rw']]


class ProfileDetail(TypedDict):
    """One profile"""

    about: ProfileView
    rows: list[ProfileRow]
    markdown: str


class ProfilePoint(TypedDict):
    """One place on a pressure profile; heads are metres of water above the height datum"""

    code: str
    zh: str
    en: str
    distance_m: float
    elevation_m: float
    supply_kpa: float | None
    return_kpa: float | None
    supply_head_m: float | None
    return_head_m: float | None
    limit_head_m: float
    boil_head_m: float | None


class ProfileRow(TypedDict):
    """One value a device holds"""

    child: str
    stride: int
    register: int
    kind: str
    n: int
    dtype: str
    factor: float
    access: str
    source: NotRequired[str]
    offset: NotRequired[float]


class ProfileView(TypedDict):
    """One profile in a list"""

    profile: str
    zh: str
    en: str
    assets: list[str]
    protocols: list[str]
    rows: int
    own: bool
    devices: int


class ProofBody(TypedDict):
    """Who one is, again"""

    password: NotRequired[str]
    """The password; empty for who came by an identity provider"""
    code: NotRequired[str | None]
    """One-time or recovery code, for who has one"""
    key: NotRequired[str]
    """Id of the key that signed"""
    signature: NotRequired[str]
    """Hexadecimal signature over the last challenge"""


class ProposalPage(TypedDict):
    """A page of proposals"""

    total: int
    items: list[ProposalView]


class ProposalView(TypedDict):
    """A write that needs more than one step"""

    id: str
    kind: str
    command_class: str
    state: str
    reason: str
    requested_by: str
    asked: str
    points: list[ProposedPoint]
    stations: int
    physics: PhysicsView
    token: str
    token_until: str
    second_until: str | None
    second_by: str
    break_glass: str
    steps: list[DoorStep]
    commands: list[CommandView]


class ProposedPoint(TypedDict):
    """One write of a proposal"""

    point: str
    value: float
    before: float | None
    effect_zh: str
    effect_en: str


class QualityCasePage(TypedDict):
    """A page of abnormal data"""

    total: int
    items: list[QualityCaseView]


class QualityCaseView(TypedDict):
    """One case of abnormal data as people read it"""

    id: str
    asset: str
    asset_zh: str
    asset_en: str
    point: str | None
    kind_zh: str
    kind_en: str
    unit: str
    rule: str
    rule_zh: str
    rule_en: str
    severity: int
    start: str
    end: str
    samples: int
    value: float | None
    expected: float | None
    text_zh: str
    text_en: str
    found: str
    state: str
    cause: str | None
    correction: str | None
    method: str | None
    corrected: int
    note: str
    reviewer: str | None
    handled: str | None


class QualityCompleteness(TypedDict):
    """How complete a day was, of the whole scope and place by place"""

    date: str
    expected: int
    stored: int
    good: int
    share_pct: float | None
    required_pct: float
    places: list[PlaceCompleteness]


class QualityCount(TypedDict):
    """Samples of one quality"""

    quality: str
    samples: int


class QualitySummary(TypedDict):
    """How the queue stands"""

    open: int
    open_by_rule: list[CountOf]
    open_high: int
    handled: int
    median_handling_h: float | None
    causes: list[CountOf]


class QuarantinePage(TypedDict):
    """A page of quarantine"""

    total: int
    items: list[QuarantineView]


class QuarantineView(TypedDict):
    """Something a gateway sent that was not stored, and why"""

    id: int
    gateway: str
    at: str
    reason: str
    detail: str
    rows: int


class Queued(TypedDict):
    """A delivery that was put in line"""

    delivery: str


class Reading(TypedDict):
    """What somebody read at a device"""

    point: str
    """Point code"""
    value: float
    """In the point's unit"""
    at: NotRequired[str | None]
    """Plant time it was read; left out: now"""
    note: NotRequired[str]
    """What else was seen"""


class Readings(TypedDict):
    """Readings of one task"""

    readings: list[Reading]
    """Readings; a point read again replaces its reading while the task is open"""


class Receipt(TypedDict):
    """A delivery"""

    scanned: list[Scanned]


class ReceiptView(TypedDict):
    """What came of a delivery"""

    purchase: str
    arrived: list[str]
    mismatches: list[Mismatch]


class ReceiverAuthorisation(TypedDict):
    """What somebody outside may be given, and until when"""

    name: str
    """Name"""
    contract: str
    """Contract or instruction he gets data by"""
    purposes: list[str]
    """What for"""
    fields: list[str]
    """Fields he may get"""
    public_key: str
    """His X25519 key, hexadecimal; `heatloop personal key` makes one"""
    valid_from: str
    """Begin"""
    valid_until: str
    """End"""
    active: NotRequired[bool]
    """Whether it stands"""


class ReceiverPage(TypedDict):
    """Receivers, and what they can be given at all"""

    total: int
    items: list[ReceiverView]
    offered: list[OfferedField]


class ReceiverView(TypedDict):
    """Somebody outside who may be given data"""

    code: str
    name: str
    contract: str
    purposes: list[str]
    fields: list[str]
    public_key: str
    valid_from: str
    valid_until: str
    active: bool
    in_force: bool
    by: str
    at: str


class RecordBatch(TypedDict):
    """Records of one system"""

    system: str
    """The other system, for example `billing` or `customer`"""
    records: list[IncomingRecord]
    """The records, in any order; sent again they change nothing"""


class RecordChange(TypedDict):
    """What a request changed in one record"""

    table: str
    record: str
    operation: str
    at: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class RecordHistory(TypedDict):
    """Everything that happened to a record"""

    table: str
    id: str
    kept_by: str
    present: dict[str, Any] | None
    complete: bool
    hidden: list[str]
    changes: list[ChangeView]


class RecordView(TypedDict):
    """Something recorded of a device"""

    kind: str
    body: dict[str, Any]
    by: str
    at: str


class RecoveryCodes(TypedDict):
    """Codes for the day the phone is lost; shown once"""

    codes: list[str]


class RefusedReason(TypedDict):
    """Why readings were refused, and how many"""

    reason: str
    zh: str
    en: str
    count: int
    first_line: int
    example: str


Register = Literal['antivirus', 'vulnerability', 'ports', 'filing', 'exception']


class RegisterEntry(TypedDict):
    """An entry of a security register"""

    number: int
    register: str
    code: str
    state: str
    user: str
    at: str
    until: str | None
    body: dict[str, Any]


class RegisterPage(TypedDict):
    """A page of a register, newest first"""

    total: int
    items: list[RegisterEntry]


class ReleaseRequest(TypedDict):
    """What is to be released, and why"""

    subject: str
    """Asset at the top of it"""
    reason: str


ReportFormat = Literal['html', 'pdf']


class ResealRequest(TypedDict):
    """A re-sealing run"""

    reason: str
    """What for; kept in the audit trail"""


class ResealView(TypedDict):
    """A run over all sealed values"""

    number: int
    key_id: str
    user: str
    state: str
    done: int
    total: int
    started_at: str
    ended_at: str | None
    note: str


class Resource(TypedDict):
    """One resource of the machine"""

    name: str
    zh: str
    en: str
    total: float
    used: float
    headroom_pct: float
    ok: bool


class RestartRequest(TypedDict):
    """A copy to begin anew"""

    target: str
    reason: str


class RetentionClass(TypedDict):
    """How long one class of data is kept"""

    name: str
    days: int


class RetentionReport(TypedDict):
    """How long data are kept, and what has had its time (clause 9.2.5 #2)"""

    least_days: int
    classes: list[RetentionClass]
    dry_run: bool
    expired: list[Expiry]


class RetentionRequest(TypedDict):
    """Whether data whose time is over are erased now"""

    dry_run: NotRequired[bool]
    """Whether only to tell what would go"""


class RetentionRun(TypedDict):
    """An order to remove what has had its time"""

    reason: NotRequired[str]
    """What for; kept in the audit trail"""


class RetireRequest(TypedDict):
    """An old key to forget"""

    kind: KeyKind
    """What it is for"""
    reason: str
    """What for; kept in the audit trail"""
    id: str
    """Id of the key"""
    force: NotRequired[bool]
    """Do not wait for gateways that were not heard; they must be enrolled anew"""


class RevealRequest(TypedDict):
    """Which personal value is to be seen, and why"""

    subject: str
    """Asset"""
    field: str
    """Field that is shown masked"""
    reason: str
    """Why; it stands in the audit trail"""


class RevealedView(TypedDict):
    """One personal value in clear"""

    subject: str
    field: str
    value: str
    left: int


class RevokeRequest(TypedDict):
    """A certificate that must not be accepted any more"""

    serial: NotRequired[str]
    """Serial number; empty: all of the gateway"""
    reason: str
    """Why"""


class Revoked(TypedDict):
    """What was revoked"""

    count: int


class RightRow(TypedDict):
    """One route"""

    method: str
    path: str
    right: str
    reason_zh: str
    reason_en: str
    roles: list[str]


class RightsMatrix(TypedDict):
    """Routes and roles"""

    roles: list[str]
    items: list[RightRow]


class RoleClearanceView(TypedDict):
    """Up to which level a role may read"""

    role: str
    level: str


class RollBack(TypedDict):
    """Why the former model shall come back"""

    reason: str
    """Kept with the event and in the audit trail"""
    kind: NotRequired[Literal['building', 'curve', 'valve', 'exchanger']]
    """What shall come back"""


class RollupRequest(TypedDict):
    """An export of roll-ups"""

    choose: PointChoice
    """Which points"""
    start: str
    """Begin"""
    end: str
    """End"""
    format: NotRequired[Literal['arrow', 'parquet', 'csv', 'xlsx']]
    """Kind of file"""
    compressed: NotRequired[bool]
    """Arrow: columns compressed with Zstandard"""
    step: NotRequired[Literal['10m', '1h', '1d']]
    """Length of a window"""


class RoomLevelPage(TypedDict):
    """Units with what is wanted of their rooms"""

    total: int
    learnt: int
    own: int
    level: str
    target_room_c: float
    items: list[RoomLevelView]


class RoomLevelPoint(TypedDict):
    """A unit's level in one stretch of weather"""

    outdoor_c: float
    before_c: float
    shift_k: float
    level_c: float
    cold_before_pct: float | None
    cold_expected_pct: float | None


class RoomLevelVersion(TypedDict):
    """What one night found of a unit's level"""

    version: int
    made: str
    valid_until: str
    state: str
    data_from: str
    data_until: str
    history_days: int
    days: int
    collectors: int
    off_k: float
    points: list[RoomLevelPoint]


class RoomLevelVersionPage(TypedDict):
    """What the nights found of a unit's level"""

    total: int
    items: list[RoomLevelVersion]


class RoomLevelView(TypedDict):
    """What is wanted of a unit's rooms, and where it comes from"""

    unit: str
    zh: str
    en: str
    target_c: float
    source: str
    why: str
    low_c: float
    high_c: float
    own_c: float | None
    own_by: str
    own_at: str | None
    own_note: str
    learnt_c: float | None
    version: RoomLevelVersion | None
    failure: str


class RoomTarget(TypedDict):
    """What a person wants of a unit's rooms"""

    target_c: float
    """Room temperature, degC; it goes before the learnt level and before the figure for all"""
    note: NotRequired[str]
    """Why; kept in the audit trail"""


class RotateRequest(TypedDict):
    """A new key"""

    kind: KeyKind
    """What it is for"""
    reason: str
    """What for; kept in the audit trail"""


class RulesRequest(TypedDict):
    """A rule document; gateway and version are given by the platform"""

    derived: NotRequired[list[dict[str, Any]]]
    """Values worked out at the gateway: name, asset, expr, unit"""
    report: NotRequired[list[dict[str, Any]]]
    """Values told when they change: of, band, max_interval_s"""
    outputs: NotRequired[list[dict[str, Any]]]
    """Set-points written by the gateway: name, point, expr, when, every_s"""
    alarms: NotRequired[list[dict[str, Any]]]
    """Conditions raised by the gateway: name, subject, when, for_s, priority, zh, en"""
    note: NotRequired[str]
    """What it is for; kept in the audit trail"""


class RulesVersion(TypedDict):
    """One version of a gateway's rules"""

    version: int
    at: str
    user: str
    note: str
    back_to: int | None
    state: str
    reason: str
    document: dict[str, Any]


class RulesView(TypedDict):
    """A gateway's rules"""

    gateway: str
    in_force: int | None
    versions: list[RulesVersion]


RunKind = Literal['full', 'incremental', 'verify', 'drill', 'restore']


class RunPage(TypedDict):
    """A page of runs"""

    total: int
    items: list[RunView]


class RunView(TypedDict):
    """One functional test or pre-season check"""

    id: str
    kind: str
    subject: str
    station: str
    state: str
    by: str
    started: str
    ended: str | None
    steps: list[dict[str, Any]]
    instruction: dict[str, Any] | None
    problems: list[dict[str, str]]
    findings: list[dict[str, Any]]
    checks: list[Check]
    signed: bool
    key_id: str
    pdf_sha256: str


class SavingsCheck(TypedDict):
    """Whether the chain holds"""

    whole: bool
    entries: int
    broken: int | None
    last: str


class SavingsCurve(TypedDict):
    """A curve a unit's savings are measured against, or why there is none"""

    version: int
    at: str
    from_day: str
    seen_from: str
    seen_until: str
    model_version: int
    baseline: str
    reason: str
    settings: dict[str, float]
    figures: dict[str, float]
    check: dict[str, float]
    trial: dict[str, Any]
    standing: dict[str, float]
    digest: str
    entry: int
    approval: str
    decided_by: str
    decided_at: str | None
    note: str


class SavingsDay(TypedDict):
    """One day of a unit"""

    day: str
    mode: str
    heat_kwh: float
    cost_yuan: float
    cold_yuan: float
    outdoor_c: float
    tuning_yuan: float | None
    expected_yuan: float | None
    saving_yuan: float | None
    low_yuan: float | None
    high_yuan: float | None
    total_yuan: float | None
    total_low_yuan: float | None
    total_high_yuan: float | None


class SavingsEntry(TypedDict):
    """An entry of the ledger"""

    number: int
    at: str
    who: str
    subject: str
    kind: str
    content: dict[str, Any]
    before: str
    digest: str


class SavingsEntryPage(TypedDict):
    """A page of entries"""

    total: int
    items: list[SavingsEntry]


class SavingsFigure(TypedDict):
    """What was saved by one unit, or by all together"""

    subject: str
    zh: str
    en: str
    verdict: str
    against: str
    baseline: str
    reason: str
    curve: int
    saving_yuan: float
    low_yuan: float
    high_yuan: float
    expected_yuan: float
    tuning_yuan: float
    saving_pct: float | None
    low_pct: float | None
    high_pct: float | None
    baseline_days: int
    strategy_days: int


class SavingsOverview(TypedDict):
    """All units as they were judged last"""

    at: str | None
    entry: int | None
    level_pct: float
    total: SavingsFigure | None
    count: int
    items: list[SavingsFigure]


class SavingsUnit(TypedDict):
    """A unit's savings day by day"""

    figure: SavingsFigure
    cvrmse_pct: float | None
    base_c: float | None
    switch_back: bool
    switch_back_curve: str
    failure: str
    curves: list[SavingsCurve]
    days: list[SavingsDay]


Scan = Literal['antivirus', 'vulnerability']


class ScanResult(TypedDict):
    """What a virus or vulnerability scan said"""

    scan: Scan
    """Which scan"""
    tool: str
    """What scanned, with its version"""
    state: ScanState
    """What came of it"""
    findings: NotRequired[list[Finding]]
    """What was found"""
    note: NotRequired[str]
    """Anything else"""


ScanState = Literal['ok', 'findings', 'failed']


class Scanned(TypedDict):
    """One device scanned at arrival"""

    serial: str
    model: str
    parameters: NotRequired[str]


class SealRequest(TypedDict):
    """Which entries to seal"""

    before: str


class SeasonBranch(TypedDict):
    """What a failure leaves a branch of the company"""

    branch: str
    zh: str
    en: str
    stations: int
    short: int
    worst: str
    worst_pct: float


class SeasonCase(TypedDict):
    """A failure in the report before the season"""

    subject: str
    zh: str
    en: str
    kind: str
    covered_pct: float
    worst: str
    worst_pct: float
    missing_kpa: float
    storage_h: float | None
    houses_h: float | None
    holds: bool
    why: str
    branches: list[SeasonBranch]


class SeasonReport(TypedDict):
    """The N-1 report of a network before the season"""

    network: str
    zh: str
    en: str
    at: str
    ledger_version: int
    outdoor_c: float
    need_kw: float
    least_pct: float
    holds: bool
    pumps_known: bool
    cases: list[SeasonCase]


class SeasonRequest(TypedDict):
    """A pre-season check of the substations at or below an asset"""

    confirm_heating: NotRequired[bool]
    """That heat is being delivered and the station is to be moved all the same"""
    window_s: NotRequired[float | None]
    feedback_pct: NotRequired[float | None]
    loop_step_k: NotRequired[float | None]
    loop_s: NotRequired[float | None]
    technician_s: NotRequired[float | None]
    recover_s: NotRequired[float | None]
    asset: str
    ambient_c: NotRequired[float | None]


class SecondRequest(TypedDict):
    """A second person's answer"""

    agree: bool
    note: NotRequired[str]


class SecondStep(TypedDict):
    """A one-time or recovery code, or a signature over the last challenge"""

    code: NotRequired[str | None]
    """One-time or recovery code"""
    key: NotRequired[str]
    """Id of the key that signed"""
    signature: NotRequired[str]
    """Hexadecimal signature over `heatloop-sign-in`, a zero byte and the challenge"""


class SecurityEventPage(TypedDict):
    """A page of events, newest first"""

    total: int
    items: list[SecurityEventView]


class SecurityEventView(TypedDict):
    """Something that happened to the platform's security"""

    number: int
    kind: str
    zh: str
    en: str
    severity: int
    subject: str
    address: str
    first_at: str
    last_at: str
    count: int
    facts: dict[str, Any]
    advice_zh: str
    advice_en: str


class SecurityException(TypedDict):
    """An item that cannot be met, and what is done instead"""

    item: str
    """Item of the assessment"""
    reason: str
    """Why it cannot be met"""
    measure: str
    """Compensating measure"""
    approved_by: str
    """Who decided"""
    until: str
    """Last day it holds"""


class SecurityKindList(TypedDict):
    """All kinds of events"""

    items: list[SecurityKindView]


class SecurityKindView(TypedDict):
    """A kind of event"""

    code: str
    zh: str
    en: str
    severity: int
    alarm: bool
    advice_zh: str
    advice_en: str
    rules: list[WatchRuleView]
    week: int


class SemanticPage(TypedDict):
    """A page of points found by their meaning"""

    total: int
    understood: list[Understood]
    items: list[SemanticPoint]


class SemanticPoint(TypedDict):
    """A point with its meaning and the asset it belongs to"""

    code: str
    key: int
    asset: str
    kind: str
    n: int
    zh: str
    en: str
    unit: str
    decimals: int
    access: str
    low: float | None
    high: float | None
    value: float | None
    quality: str | None
    at: str | None
    asset_kind: str
    asset_zh: str
    asset_en: str
    tags: TagView


class Series(TypedDict):
    """One line of a trend"""

    point: str
    zh: str
    en: str
    unit: str
    at: list[int]
    value: list[float | None]
    low: list[float | None]
    high: list[float | None]
    quality: list[int]
    simulated_until: int | None


class ServiceKeyCreate(TypedDict):
    """A key for a program"""

    name: str
    """Name of the service account"""
    purpose: str
    """What it is for"""
    owner: str
    """Whose rights it borrows"""
    roles: list[str]
    permissions: NotRequired[list[str]]
    """Of the roles' rights only these; empty: all"""
    scope: NotRequired[list[str]]
    """Subtree paths inside the owner's scope"""
    addresses: NotRequired[list[str]]
    """Networks it may come from; empty: any"""
    days: NotRequired[float]
    """Life in days"""


class ServiceKeyMade(TypedDict):
    """A new key, shown once"""

    key: ServiceKeyView
    secret: str


class ServiceKeyRenew(TypedDict):
    """Another secret for a key"""

    days: NotRequired[float]
    """Life in days"""


class ServiceKeyView(TypedDict):
    """A program's key, without its secret"""

    id: str
    name: str
    purpose: str
    owner: str
    roles: list[str]
    permissions: list[str]
    scope: list[str]
    addresses: list[str]
    state: str
    created_by: str
    created_at: str
    expires_at: str
    used_at: str | None
    used_from: str


class SessionView(TypedDict):
    """Who is signed in"""

    user: str
    roles: list[str]
    permissions: list[str]
    scope: list[str]
    must_change: bool
    must_prove: NotRequired[bool]
    must_enrol: NotRequired[bool]
    factors: list[str]
    methods: list[str]
    kind: NotRequired[str]


class SignIn(TypedDict):
    """User name and password"""

    user: str
    password: str


class SignInOptions(TypedDict):
    """What the sign-in page may know before anybody is signed in"""

    min_length: int
    classes: int
    history: int
    provider: bool
    provider_zh: str
    provider_en: str


class SignatureView(TypedDict):
    """Whether a report is what was signed"""

    ok: bool
    key_id: str
    alg: str
    public_key: str
    pdf_sha256: str
    pdf_signature: str
    document: dict[str, str]


class SignedDocument(TypedDict):
    """A document under the platform's signature"""

    body: str
    key_id: str
    alg: str
    signature: str


class SignedRequest(TypedDict):
    """A document signed with the gateway's own key"""

    body: str
    key_id: str
    alg: str
    signature: str


class SizingCard(TypedDict):
    """A substation in the report"""

    code: str
    zh: str
    en: str
    load_kw: float | None
    worst: str
    items: list[SizingItem]


class SizingItem(TypedDict):
    """One thing installed against what is needed"""

    asset: str
    what: str
    installed: float | None
    needed: float | None
    unit: str
    ratio: float | None
    verdict: str
    missing: NotRequired[list[str]]


class SizingReport(TypedDict):
    """The report inside a scope"""

    low: float
    high: float
    stations: int
    counts: dict[str, int]
    cards: list[SizingCard]


class SmartClass(TypedDict):
    """How the devices of a class are equipped"""

    name: str
    zh: str
    en: str
    group: str
    main: bool
    total: int
    digital: int
    status: int
    remote: int
    smart: int
    share_pct: float
    lacking: list[str]


class SmartReport(TypedDict):
    """Share of smart devices by class"""

    main_total: int
    main_smart: int
    main_pct: float | None
    classes: list[SmartClass]


class SourceCard(TypedDict):
    """A heat source as the overview shows it"""

    code: str
    zh: str
    en: str
    state: str
    alarms: int
    rated_load_kw: float | None
    supply_c: float | None
    return_c: float | None
    supply_kpa: float | None
    return_kpa: float | None
    flow_m3h: float | None
    heat_power_kw: float | None


class SpareSpan(TypedDict):
    """One time on the spare channel"""

    gateway: str
    since: str
    until: str | None


class SpotCheckForm(TypedDict):
    """A comparison with a reference instrument"""

    shown: float
    reference: float


class StageCoverage(TypedDict):
    """One of the five stages from source to user (clause 6.1.2 h)"""

    stage: str
    zh: str
    en: str
    assets: int
    measured: int
    live: int
    share_pct: float | None
    missing: list[str]


class StageEntry(TypedDict):
    """How far plans may go"""

    network: NotRequired[str]
    """Network; empty: the first"""
    stage: Literal['observe', 'advise', 'automatic']
    """The stage"""


class StageRequest(TypedDict):
    """A strategy stage"""

    stage: Literal['observe', 'advise', 'automatic']


class StageView(TypedDict):
    """The strategy stage of a unit"""

    code: str
    stage: str
    by: str
    at: str


class Statistics(TypedDict):
    """Statistics of points (clause 6.2 f #3)"""

    step: str
    time_zone: str
    series: list[PointStatistics]


class StopAnswer(TypedDict):
    """A second person's answer"""

    agree: bool


class StopAssetView(TypedDict):
    """One piece of equipment that is stopped"""

    asset: str
    zh: str
    en: str
    gateway: str
    connected: bool
    state: str
    steps: list[StopStepView]


class StopConfirm(TypedDict):
    """The one-time token; for the whole network also why nobody can be waited for"""

    token: str
    break_glass: NotRequired[str]
    """Empty: a second person is waited for where one is needed"""


class StopOrderView(TypedDict):
    """An emergency order: proposed, in force, or over"""

    id: str
    action: str
    subject: str
    subject_zh: str
    subject_en: str
    cause: str
    reason: str
    network: bool
    state: str
    ordered_by: str
    second_by: str
    break_glass: str
    at: str
    ordered: str
    ended: str | None
    token: str
    token_until: str | None
    second_until: str | None
    gateways: int
    connected: int
    assets: list[StopAssetView]


class StopRequest(TypedDict):
    """What is to be stopped, and why"""

    subject: str
    """Asset at the top of it: a unit, a station, a source, or the company for everything"""
    cause: NotRequired[Literal['general', 'burst', 'leak']]
    """Where a pipe burst, circulation stops too; where water is lost, make-up is isolated"""
    reason: str


class StopStepView(TypedDict):
    """One write of a stop"""

    point: str
    value: float
    before: float | None
    read: float | None
    state: str
    reason: str
    zh: str
    en: str


class StorageReport(TypedDict):
    """What the store keeps"""

    engine: str
    encrypted: bool
    tables: list[StoredTable]
    stored_bytes: int


class StoredTable(TypedDict):
    """One table of the store"""

    table: str
    rows: int
    stored_bytes: int
    plain_bytes: int
    ratio: float | None
    bytes_a_row: float | None
    first: int
    last: int


class StrategyCard(TypedDict):
    """A unit and the strategy made for it last"""

    unit: str
    zh: str
    en: str
    station: str
    station_zh: str
    station_en: str
    stage: str
    mode: str | None
    version: int | None
    state: str | None
    followed: bool
    reason: str
    relaxed: list[str]
    made: str | None
    valid_until: str | None
    regulation: str
    model: str
    target_c: float | None
    target_source: str
    room_c: float | None
    supply_c: float | None
    setpoint_c: float | None


class StrategyDecision(TypedDict):
    """What a person decides on a strategy"""

    decision: Literal['approve', 'reject']
    """A rejected strategy leaves the unit to the weather curve for as long as it would hold"""
    note: NotRequired[str]
    """Why; kept in the audit trail"""


class StrategyPage(TypedDict):
    """Units with their strategies"""

    total: int
    reason: str
    detail: str
    scarce: bool
    violation_pct: float
    failed: int
    items: list[StrategyCard]


class StrategyStep(TypedDict):
    """What is meant for one step"""

    at: str
    supply_c: float | None
    flow_m3h: float | None
    pump_hz: float | None
    room_c: float | None
    heat_kw: float | None
    outdoor_c: float | None


class StrategyVersion(TypedDict):
    """One version of a unit's strategy"""

    unit: str
    version: int
    made: str
    valid_until: str
    state: str
    decided_by: str
    decided: str | None
    note: str
    reason: str
    relaxed: list[str]
    fallback: bool
    regulation: str
    model: str
    target_c: float
    steps: list[StrategyStep]


class StrategyVersionPage(TypedDict):
    """Versions of a unit's strategy"""

    total: int
    items: list[StrategyVersion]


class StrategyView(TypedDict):
    """A unit's strategy as it is now, in quarters of an hour"""

    card: StrategyCard
    wall_c: float | None
    unknown_heat_kw: float | None
    sensors: int
    doubted: list[DoubtedSensor]
    low_c: float | None
    high_c: float | None
    steps: list[StrategyStep]


class StreamView(TypedDict):
    """One direction between the zones, as this end sees it"""

    name: str
    role: str
    set_up: bool
    age_s: float | None
    silent: bool
    delay_s: float | None
    batches: int
    records: int
    refused: int
    gaps: int
    carriers: list[CarrierView]


class SubscriberView(TypedDict):
    """One subscriber connected now"""

    user: str
    carrier: str
    since: str
    points: int
    sent: int
    behind: int
    missed: int


class SubstationCard(TypedDict):
    """A substation as the overview shows it"""

    code: str
    zh: str
    en: str
    branch: str
    lat: float | None
    lon: float | None
    heated_area_m2: float
    state: str
    alarms: int
    primary_supply_c: float | None
    primary_return_c: float | None
    heat_power_kw: float | None
    units: list[UnitCard]


class SubstationDetail(TypedDict):
    """Everything the station page shows"""

    asset: AssetView
    state: str
    units: list[UnitDetail]
    points: list[PointView]
    device: heatloop__app__views__station__DeviceView | None
    buildings: list[BuildingCard]


class SupervisionNow(TypedDict):
    """Operation beside its plan"""

    at: str | None
    counts: dict[str, int]
    total: int
    rows: list[PlanStanding]


class SuspectReading(TypedDict):
    """A reading that does not fit the others"""

    point: str
    asset: str
    zh: str
    en: str
    unit: str
    value: float
    expected: float
    score: float


class SyncChange(TypedDict):
    """Something the other side should know"""

    number: int
    at: str
    entity: str
    code: str
    source_ids: dict[str, str]
    origin: str
    gone: bool
    fields: dict[str, bool | int | float | str | None]


class SyncChanges(TypedDict):
    """A page of the feed of changes"""

    cursor: str
    more: bool
    items: list[SyncChange]


class SyncConflict(TypedDict):
    """Two systems disagree about a field, or a record fits nothing here"""

    id: str
    system: str
    entity: str
    source_id: str
    code: str | None
    name_zh: str
    name_en: str
    field: str
    field_zh: str
    field_en: str
    kind: str
    kind_zh: str
    kind_en: str
    state: str
    winner: str | None
    theirs: bool | int | float | str | None
    ours: bool | int | float | str | None
    agreed: bool | int | float | str | None
    found: str
    decided_by: str | None
    decided: str | None
    note: str


class SyncConflictPage(TypedDict):
    """A page of conflicts"""

    total: int
    items: list[SyncConflict]


class SyncRecord(TypedDict):
    """What another system last said about a thing"""

    system: str
    entity: str
    source_id: str
    code: str | None
    revision: int
    changed: str
    received: str
    deleted: bool
    fields: dict[str, bool | int | float | str | None]


class SyncRecordPage(TypedDict):
    """A page of records"""

    total: int
    items: list[SyncRecord]


class SyncRefusal(TypedDict):
    """A record that was not taken"""

    entity: str
    id: str
    field: str
    zh: str
    en: str


class SyncRule(TypedDict):
    """Who owns a field of an exchanged record, and where it stands here"""

    entity: str
    field: str
    zh: str
    en: str
    type: str
    unit: str
    owner: str
    attribute: str
    secret: bool
    choices: list[str]


class SyncRun(TypedDict):
    """One exchange: a batch pushed, a file dropped, or a pull"""

    id: str
    system: str
    way: str
    started: str
    ended: str
    by: str
    dry_run: bool
    received: int
    applied: int
    kept: int
    unchanged: int
    stale: int
    unmatched: int
    refused: int
    conflicts: int
    error: str
    refusals: list[SyncRefusal]


class SyncRunPage(TypedDict):
    """A page of runs"""

    total: int
    items: list[SyncRun]


class SyncState(TypedDict):
    """How the exchange stands"""

    systems: list[SyncSystem]
    drop_folder: bool
    pull: bool
    period_s: float
    change_cursor: str


class SyncSystem(TypedDict):
    """How the exchange with one system stands"""

    system: str
    zh: str
    en: str
    records: int
    linked: int
    last_run: str | None
    last_error: str
    open_conflicts: int


class TagView(TypedDict):
    """What a point means, in words of a closed vocabulary"""

    medium: str
    side: str
    quantity: str
    role: str
    stage: str
    unit: str
    si_unit: str
    si_factor: float
    si_offset: float


class TagWord(TypedDict):
    """One value of a tag"""

    value: str
    zh: str
    en: str
    points: int


class TaskCreate(TypedDict):
    """A task of its own"""

    name: str
    """What people call it"""
    asset: NotRequired[str]
    """Asset whose points are drawn, with all below; empty: the whole company"""
    kinds: NotRequired[list[str]]
    """Point kinds; empty: all that a person can read"""
    points: NotRequired[int]
    """Points drawn"""
    days_to_answer: NotRequired[float]
    """Days until it is overdue"""


class TaskEnd(TypedDict):
    """How a task ends"""

    give_up: NotRequired[bool]
    """Whether it ends with points that were not read"""
    note: NotRequired[str]
    """What was found, and what is done about it"""


class TickItem(TypedDict):
    """One row of `installation_rules.csv`"""

    item: str
    zh: str
    en: str
    clause: str


class Totals(TypedDict):
    """The company (or the part of it the reader may see) in ten numbers"""

    substations: int
    online: int
    alarms_active: int
    alarms_unacknowledged: int
    heat_power_kw: float | None
    heated_area_m2: float
    room_mean_c: float | None
    room_share_18_pct: float | None


class TotpConfirm(TypedDict):
    """The first code of a new secret"""

    id: str
    """Id of the offer"""
    code: str


class TotpOffer(TypedDict):
    """What a phone program needs to make one-time codes; shown once"""

    id: str
    secret: str
    uri: str
    picture: str
    algorithm: str


class Traced(TypedDict):
    """Assets upstream or downstream of one"""

    asset: str
    way: str
    nodes: list[str]
    pipes: list[str]
    stations: list[str]
    sources: list[str]


class Trends(TypedDict):
    """Lines over time"""

    step: str
    thinned: bool
    series: list[Series]


class Understood(TypedDict):
    """How a piece of a question in words was understood"""

    words: str
    field: str
    values: list[str]


class UnitCard(TypedDict):
    """A heating unit as the overview and the station page show it"""

    code: str
    zh: str
    en: str
    emitter: str
    zone: str
    supply_c: float | None
    return_c: float | None
    setpoint_c: float | None
    mode: str | None
    stage: str


class UnitDetail(TypedDict):
    """A unit with the codes of its points"""

    code: str
    zh: str
    en: str
    emitter: str
    zone: str
    mode: str | None
    stage: str
    heated_area_m2: float | None
    points: list[str]


class UserChange(TypedDict):
    """What is to change; fields left out stay"""

    roles: NotRequired[list[str] | None]
    scope: NotRequired[list[str] | None]
    disabled: NotRequired[bool | None]
    reset_password: NotRequired[bool]
    """Make a new first password"""


class UserCreate(TypedDict):
    """A new user; the first password is made by the platform"""

    name: str
    full_name: NotRequired[str]
    roles: list[str]
    scope: NotRequired[list[str]]
    """Subtree paths; an empty path is the whole company"""


class UserCreated(TypedDict):
    """A new user and the password to hand over, shown once"""

    user: UserView
    password: str


class UserView(TypedDict):
    """A user"""

    name: str
    full_name: str
    roles: list[str]
    scope: list[str]
    disabled: bool
    must_change: bool
    second_factor: NotRequired[bool]
    wants_second: NotRequired[bool]
    locked: NotRequired[bool]
    seen_at: NotRequired[str | None]
    password_at: NotRequired[str | None]
    disabled_reason: NotRequired[str]


class VerificationItemView(TypedDict):
    """One point of a task"""

    point: str
    asset_zh: str
    asset_en: str
    zh: str
    en: str
    unit: str
    reading: float | None
    read: str | None
    by: str | None
    uploaded: float | None
    uploaded_quality: str | None
    error: float | None
    tolerance: float
    within: bool | None
    note: str


class VerificationPlanPage(TypedDict):
    """Plans by name"""

    total: int
    items: list[VerificationPlanView]


class VerificationPlanView(TypedDict):
    """What is checked regularly"""

    id: str
    name: str
    asset: str
    kinds: list[str]
    points: int
    every_days: float
    days_to_answer: float
    active: bool
    next: str | None
    made_by: str


class VerificationStatistics(TypedDict):
    """What verification found in a period (clause 9.2.1)"""

    start: str
    end: str
    tasks: int
    done: int
    overdue: int
    readings: int
    within_pct: float | None
    kinds: list[ErrorStatistics]


class VerificationTaskPage(TypedDict):
    """A page of tasks, newest first"""

    total: int
    overdue: int
    items: list[VerificationTaskView]


class VerificationTaskView(TypedDict):
    """A verification task"""

    id: str
    plan: str | None
    name: str
    asset: str
    made: str
    made_by: str
    due: str
    state: str
    overdue: bool
    points: int
    read: int
    failed: int
    ended: str | None
    note: str
    items: list[VerificationItemView]


class VerifiedDocument(TypedDict):
    """Whether a signed document is the platform's own and unchanged"""

    valid: bool
    reason: str
    kind: str | None


class VerifyRequest(TypedDict):
    """A trial restore"""

    run: NotRequired[str]
    """Backup to restore; empty: the newest"""
    drill: NotRequired[bool]
    """Count it as the quarterly restore drill"""


class Vocabulary(TypedDict):
    """Every word points can be found by"""

    medium: list[TagWord]
    side: list[TagWord]
    quantity: list[TagWord]
    role: list[TagWord]
    stage: list[TagWord]
    kind: list[TagWord]
    asset_kind: list[TagWord]


class WaiverForm(TypedDict):
    """A decision to let a failed item pass"""

    item: str
    reason: str


class WatchRuleView(TypedDict):
    """A rule that makes events of signals"""

    kind: str
    zh: str
    en: str
    count: int
    window_s: float


class WeatherForecastHour(TypedDict):
    """One hour of a forecast"""

    lead_h: float
    weather: WeatherValues


class WeatherForecastView(TypedDict):
    """The newest forecast there was at a time"""

    as_of: str
    source: str | None
    issued: str | None
    known: str | None
    hours: list[WeatherForecastHour]


class WeatherImported(TypedDict):
    """What an import of observations did"""

    source: str
    stored: int
    first: str
    last: str


class WeatherNow(TypedDict):
    """The weather of now, where it comes from, and all sources"""

    plant_time: str
    source: str | None
    fallback: bool
    weather: WeatherValues | None
    filled: dict[str, str]
    forecast_source: str | None
    forecast_known: str | None
    forecast_horizon_h: float
    sources: list[WeatherSourceView]
    quantities: list[WeatherQuantity]


class WeatherObservation(TypedDict):
    """What a source said the weather was"""

    source: str
    known: str
    weather: WeatherValues


class WeatherObservationPage(TypedDict):
    """A page of observations"""

    total: int
    items: list[WeatherObservation]


class WeatherQuantity(TypedDict):
    """What one of the values is"""

    name: str
    zh: str
    en: str
    unit: str
    decimals: int
    point: str | None


class WeatherSkill(TypedDict):
    """How right the forecasts of a span were, by lead time"""

    start: str
    end: str
    observed_by: str
    rows: list[WeatherSkillRow]


class WeatherSkillRow(TypedDict):
    """How right forecasts were at some lead time"""

    source: str
    quantity: str
    lead_from_h: int
    lead_to_h: int
    count: int
    bias: float
    mae: float
    rmse: float


class WeatherSourceView(TypedDict):
    """A source of weather and how it is doing"""

    name: str
    zh: str
    en: str
    rank: int
    in_force: bool
    state: str
    forecasts: bool
    observes: bool
    last_ok: str | None
    last_try: str | None
    issued: str | None
    horizon_h: int
    failures: int
    error: str


class WeatherValues(TypedDict):
    """The weather at one time; what a source does not give is None"""

    at: str
    condition: int | None
    condition_zh: str
    condition_en: str
    temperature_c: float | None
    humidity_pct: float | None
    temperature_max_c: float | None
    temperature_min_c: float | None
    wind_deg: float | None
    wind_ms: float | None
    solar_w_m2: float | None
    direct_w_m2: float | None
    diffuse_w_m2: float | None
    quality: str


class WebhookChange(TypedDict):
    """What is to change; fields left out stay"""

    name: NotRequired[str | None]
    url: NotRequired[str | None]
    events: NotRequired[list[str] | None]
    scope: NotRequired[list[str] | None]
    enabled: NotRequired[bool | None]


class WebhookEventType(TypedDict):
    """A kind of event a webhook can ask for"""

    name: str
    zh: str
    en: str


class WebhookEventTypes(TypedDict):
    """What webhooks can ask for"""

    items: list[WebhookEventType]


class WebhookPage(TypedDict):
    """A page of webhooks"""

    total: int
    items: list[WebhookView]


class WebhookRequest(TypedDict):
    """A new webhook"""

    name: str
    """What it is for"""
    url: str
    """Where deliveries go"""
    events: list[str]
    """Kinds of events"""
    scope: NotRequired[list[str]]
    """Subtree paths whose events it gets; an empty path is the whole company"""


class WebhookSecret(TypedDict):
    """A webhook with its secret, shown this once"""

    webhook: WebhookView
    secret: str


class WebhookView(TypedDict):
    """One webhook"""

    id: str
    name: str
    url: str
    events: list[str]
    scope: list[str]
    enabled: bool
    created_by: str
    created_at: str
    waiting: int
    dead: int
    delivered: int
    last_error: str


class WhatIfRequest(TypedDict):
    """A change to think through; everything by asset code"""

    close: NotRequired[list[str]]
    """Pipes, valve nodes, units, stations or sources that are shut"""
    opening: NotRequired[dict[str, Any]]
    """Opening of control valves of units, substations and isolation stations, %"""
    pump_speed: NotRequired[dict[str, Any]]
    """Speed of pumps of sources, booster and isolation stations over their present speed"""
    source_dp_kpa: NotRequired[dict[str, Any]]
    """Differential pressure of heat sources"""
    source_supply_c: NotRequired[dict[str, Any]]
    """Supply temperature of heat sources; what arrives when the water has travelled"""


class WhatIfSource(TypedDict):
    """What a change does to a heat source"""

    code: str
    zh: str
    en: str
    flow_m3h: float
    flow_after_m3h: float


class WhatIfUnit(TypedDict):
    """What a change does to a unit"""

    code: str
    zh: str
    en: str
    station: str
    cut_off: bool
    flow_m3h: float
    flow_after_m3h: float
    flow_pct: float | None
    dp_kpa: float
    dp_after_kpa: float | None
    supply_kpa: float
    supply_after_kpa: float | None
    supply_c: float
    supply_after_c: float | None


class WhatIfView(TypedDict):
    """What a change does, before stations regulate against it"""

    at: str
    took_ms: float
    cut_off: int
    less: int
    more: int
    listed: int
    units: list[WhatIfUnit]
    sources: list[WhatIfSource]


class ZoneEventPage(TypedDict):
    """A page of events"""

    total: int
    items: list[ZoneEventView]


class ZoneEventView(TypedDict):
    """Something that happened to a stream"""

    number: int
    kind: str
    stream: str
    text_zh: str
    text_en: str
    detail: str
    count: int
    at: str
    last_at: str
    ended_at: str | None


class ZoneState(TypedDict):
    """Which zone this is, and how fresh it is"""

    zone: str
    plant_time: str
    fresh: bool
    streams: list[StreamView]


class heatloop__app__device_life_views__DeviceView(TypedDict):
    """One device in a list"""

    serial: str
    model: str
    device_class: str
    class_zh: str
    class_en: str
    asset: str
    asset_zh: str
    asset_en: str
    device: str
    point_kind: str
    purchase: str
    state: str
    auto_ready: bool
    outdoor: bool
    changed: str


class heatloop__app__views__station__DeviceView(TypedDict):
    """A device and whether it answers"""

    code: str
    asset: str
    gateway: str
    profile: str
    protocol: str
    regulates: str
    online: bool
