import { useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { type FleetReport, type ModelRow, ask, mayDo, sendFile } from '../../api/device-views';
import { showNumber, showUnit } from '../../base/format';
import { useResource } from '../../base/resource';
import { language, named } from '../../i18n';
import { ExportLink } from '../../parts/export-link';
import { type Column, Grid } from '../../parts/grid';
import { Icon } from '../../parts/icon';
import { Loaded } from '../../parts/states';
import { say, sayProblem } from '../../parts/toast';
import { Checks, Verdict } from './parts';

function range(row: ModelRow): string {
  const { range_low: low, range_high: high, unit } = row.model;
  if (low === null || high === null || low === undefined) return '–';
  return `${String(low)} – ${String(high)} ${showUnit(String(unit))}`;
}

function accuracy(row: ModelRow): string {
  const value = row.model.accuracy;
  if (value === null || value === undefined) return '–';
  return row.model.unit === 'degC' ? `±${String(value)} °C` : String(value);
}

function useColumns(): Column<ModelRow>[] {
  const { t } = useTranslation();
  return [
    {
      name: 'code',
      label: t('devices.model'),
      cell: (row) => (
        <>
          <strong>{row.model.code}</strong> <div className="small muted">{named(row.model)}</div>
        </>
      ),
    },
    { name: 'class', label: t('devices.class'), cell: (row) => named({ zh: row.class_zh, en: row.class_en }) },
    { name: 'range', label: t('devices.range'), cell: (row) => <span className="nowrap">{range(row)}</span> },
    { name: 'accuracy', label: t('devices.accuracy'), cell: (row) => <span className="nowrap">{accuracy(row)}</span> },
    { name: 'ip', label: 'IP', num: true, cell: (row) => row.model.ip ?? '–' },
    { name: 'interfaces', label: t('devices.interfaces'), cell: (row) => String(row.model.interfaces || '–').replaceAll('|', ', ') },
    { name: 'label', label: t('devices.label'), num: true, cell: (row) => row.model.energy_grade ?? '–' },
    { name: 'count', label: t('devices.count'), num: true, cell: (row) => row.devices },
    {
      name: 'checks',
      label: t('devices.checks'),
      cell: (row) => {
        const bad = row.checks.filter((check) => check.state === 'fail');
        const missing = language.get() === 'zh' ? row.missing_zh : row.missing_en;
        if (bad.length + missing.length === 0) return <Verdict state="pass" />;
        return (
          <div className="model-lacks small">
            {bad.map((check) => (
              <span key={check.rule}>{named(check)}</span>
            ))}
            {missing.length > 0 && <span>{t('devices.papers', { names: missing.join(' · ') })}</span>}
          </div>
        );
      },
    },
  ];
}

function Fleet() {
  const { t } = useTranslation();
  const report = useResource(() => ask<FleetReport>('GET', '/devices/report'), []);
  return (
    <section className="panel">
      <header>
        <h2>{t('devices.fleet')}</h2>
      </header>
      <div className="body device-body">
        <Loaded of={report} height={80}>
          {(data) => (
            <>
              <p data-testid="label-share">
                {t('devices.labelShare', {
                  share: showNumber(data.label.share_pct, 1),
                  best: data.label.best,
                  devices: data.label.devices,
                })}
              </p>
              <Checks checks={[...data.failing, ...data.rooms]} empty={t('devices.allFit')} />
            </>
          )}
        </Loaded>
      </div>
    </section>
  );
}

export function Models() {
  const { t } = useTranslation();
  const input = useRef<HTMLInputElement>(null);
  const models = useResource(() => ask<ModelRow[]>('GET', '/devices/models'), []);
  const columns = useColumns();
  const take = (file: File | undefined) => {
    if (!file) return;
    sendFile<{ models: number; changed: number }>('/devices/models/import', file).then((told) => {
      say(t('devices.imported', told));
      models.reload();
    }, sayProblem);
  };
  return (
    <>
      <div className="row">
        <span className="grow" />
        <ExportLink href="/api/v1/devices/models/export?format=xlsx" testid="models-excel">
          <Icon name="download" size={16} /> Excel
        </ExportLink>
        {mayDo('manage_ledger') && (
          <button type="button" className="btn" onClick={() => input.current?.click()}>
            <Icon name="upload" size={16} /> {t('devices.import')}
          </button>
        )}
        <input ref={input} type="file" hidden accept=".xlsx,.zip" onChange={(event) => take(event.target.files?.[0])} />
      </div>
      <section className="panel">
        <Loaded of={models}>
          {(data) => (
            <Grid columns={columns} rows={data} rowKey={(row) => row.model.code} empty={t('devices.none')} caption={t('devices.tab.models')} testid="model-list" />
          )}
        </Loaded>
      </section>
      <Fleet />
    </>
  );
}
