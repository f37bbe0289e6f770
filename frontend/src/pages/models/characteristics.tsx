import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ModelCharacteristic, ModelVersion } from '../../api/model-views';
import { may } from '../../api/session';
import { showNumber } from '../../base/format';
import { showTime } from '../../base/time';
import { type Column, Grid } from '../../parts/grid';
import { kindText, numberOf, reasonText, stageText, textOf } from './words';

const FIGURES: Record<string, readonly (readonly [string, readonly string[], number, string])[]> = {
  curve: [
    ['curveSupply', ['design', 'supply_c'], 1, '°C'],
    ['curveReturn', ['design', 'return_c'], 1, '°C'],
    ['curveExponent', ['design', 'exponent_b'], 2, ''],
  ],
  valve: [
    ['valve', ['kvs_m3h'], 1, 'm³/h'],
    ['rangeability', ['rangeability'], 0, ''],
  ],
  exchanger: [['exchanger', ['ua_kw_k'], 1, 'kW/K']],
};

/** The chief figures of a version in one line. */
function Figures({ kind, version }: { kind: string; version: ModelVersion | undefined }) {
  const { t } = useTranslation();
  if (!version) return '–';
  return (FIGURES[kind] ?? [])
    .map(([word, path, digits, unit]) =>
      `${t(`models.${word as 'valve'}`)} ${showNumber(numberOf(version.model, ...path), digits)} ${unit}`.trim(),
    )
    .join(' · ');
}

function Versions({ of }: { of: ModelCharacteristic }) {
  const { t } = useTranslation();
  const columns: Column<ModelVersion>[] = [
    { name: 'version', label: t('models.version'), cell: (row) => t('models.versionN', { n: row.version }) },
    { name: 'stage', label: t('models.stage'), cell: (row) => stageText(t, row.stage) },
    { name: 'figures', label: t('models.figures'), cell: (row) => <Figures kind={of.kind} version={row} /> },
    {
      name: 'data',
      label: t('models.data'),
      cell: (row) =>
        t('models.dataBetween', {
          from: row.data_from ? showTime(row.data_from, 'minute') : '–',
          until: showTime(row.data_until, 'minute'),
        }),
    },
    { name: 'reason', label: t('models.reason'), cell: (row) => reasonText(t, textOf(row.card, 'reason')) },
    { name: 'parent', label: t('models.from'), num: true, cell: (row) => row.parent || '–' },
    { name: 'digest', label: 'SHA-256', cell: (row) => <span className="code">{row.digest.slice(0, 16)}</span> },
  ];
  return (
    <Grid
      columns={columns}
      rows={of.versions}
      rowKey={(row) => String(row.version)}
      empty={t('models.noVersion')}
      caption={`${kindText(t, of.kind)}: ${t('models.versions')}`}
      testid={`model-versions-${of.kind}`}
    />
  );
}

interface Props {
  rows: ModelCharacteristic[];
  onRollBack: (kind: 'curve' | 'valve' | 'exchanger') => void;
}

/** Weather curve, valve and exchanger of a unit: in force, how right, where from. */
export function Characteristics({ rows, onRollBack }: Props) {
  const { t } = useTranslation();
  const [open, setOpen] = useState('curve');
  const shown = rows.find((each) => each.kind === open);
  const columns: Column<ModelCharacteristic>[] = [
    {
      name: 'kind',
      label: t('models.kind'),
      cell: (row) => (
        <button type="button" className="link" aria-pressed={row.kind === open} onClick={() => setOpen(row.kind)}>
          {kindText(t, row.kind)}
        </button>
      ),
    },
    { name: 'version', label: t('models.version'), num: true, cell: (row) => row.version ?? '–' },
    {
      name: 'figures',
      label: t('models.figures'),
      cell: (row) => <Figures kind={row.kind} version={row.versions.find((each) => each.version === row.version)} />,
    },
    {
      name: 'error',
      label: t('models.errorUnseen'),
      num: true,
      cell: (row) => (row.error === null ? '–' : `${showNumber(row.error, 2)} ${row.error_unit}`),
    },
    { name: 'challenger', label: t('models.challenger'), num: true, cell: (row) => row.challenger ?? '–' },
    { name: 'state', label: t('models.lastNight'), cell: (row) => reasonText(t, row.state) },
    {
      name: 'back',
      label: '',
      cell: (row) =>
        may('command') && row.former !== null ? (
          <button
            type="button"
            className="btn"
            data-testid={`model-rollback-${row.kind}`}
            onClick={() => onRollBack(row.kind as 'curve')}
          >
            {t('models.rollBack')}
          </button>
        ) : null,
    },
  ];
  return (
    <section className="panel">
      <header>
        <h2>{t('models.characteristics')}</h2>
      </header>
      <p className="small muted panel-text">{t('models.characteristicsAbout')}</p>
      <Grid
        columns={columns}
        rows={rows}
        rowKey={(row) => row.kind}
        empty={t('models.none')}
        caption={t('models.characteristics')}
        testid="model-characteristics"
      />
      {shown && <Versions of={shown} />}
    </section>
  );
}
