import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import { useResource } from '../../base/resource';
import { useStore } from '../../base/store';
import { plantClock, plantNow } from '../../live/clock';
import { ExportLink } from '../../parts/export-link';
import { Icon } from '../../parts/icon';
import { Loaded } from '../../parts/states';

const DAY_MS = 86_400_000;
const SPANS = [1, 7, 30, 365] as const;
const STEPS = ['raw', '10m', '1h', '1d'] as const;
const FORMATS = ['xlsx', 'csv', 'parquet', 'arrow'] as const;

/** The history of the points found, as a file. */
export function Export({ question }: { question: string }) {
  const { t } = useTranslation();
  const ready = useStore(plantClock) !== null;
  const [days, setDays] = useState<number>(1);
  const [step, setStep] = useState<(typeof STEPS)[number]>('1h');
  const [format, setFormat] = useState<(typeof FORMATS)[number]>('xlsx');
  const [end] = useState(() => Math.floor((plantNow() ?? Date.now()) / 60_000) * 60_000);
  const query = {
    q: question,
    start: new Date(end - days * DAY_MS).toISOString(),
    end: new Date(end).toISOString(),
    format,
  };
  const plan = useResource(
    () =>
      ready
        ? got(api.GET('/api/v1/bulk/plan', { params: { query: { ...query, step } } }))
        : Promise.resolve(null),
    [question, days, step, format, ready],
  );
  const words = new URLSearchParams(step === 'raw' ? query : { ...query, step });
  const place = `/api/v1/bulk/${step === 'raw' ? 'samples' : 'rollups'}?${words.toString()}`;
  const choose = <T extends string | number>(label: string, value: T, of: readonly T[], set: (value: T) => void, show: (value: T) => string) => (
    <select className="select" aria-label={label} value={value} onChange={(event) => set(of[event.target.selectedIndex] as T)}>
      {of.map((each) => (
        <option key={each} value={each}>
          {show(each)}
        </option>
      ))}
    </select>
  );
  return (
    <section className="panel" data-testid="explore-export">
      <header>
        <h2>{t('explore.export')}</h2>
        <span className="grow" />
        {choose(t('explore.span'), days, SPANS, setDays, (n) => t(`explore.spans.${n as 1}`))}
        {choose(t('explore.step'), step, STEPS, setStep, (name) => t(`explore.steps.${name}`))}
        {choose(t('explore.format'), format, FORMATS, setFormat, (name) => t(`explore.formats.${name}`))}
      </header>
      <div className="body">
        <Loaded of={plan} height={40}>
          {(data) =>
            data && (
              <div className="row">
                <span data-testid="explore-plan">
                  {t('explore.plan', { points: data.points, rows: data.expected_rows })}
                  {data.rows_limit !== null && data.expected_rows > data.rows_limit && (
                    <b className="raised"> {t('explore.tooMany', { limit: data.rows_limit })}</b>
                  )}
                </span>
                <span className="grow" />
                <ExportLink className="btn main" href={place} testid="explore-download">
                  <Icon name="download" size={16} /> {t('explore.download')}
                </ExportLink>
              </div>
            )
          }
        </Loaded>
      </div>
    </section>
  );
}
