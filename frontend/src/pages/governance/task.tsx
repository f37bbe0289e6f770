import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { VerificationItem } from '../../api/governance-views';
import { may } from '../../api/session';
import { showNumber, showUnit } from '../../base/format';
import { problemText } from '../../base/problem';
import { useResource } from '../../base/resource';
import { named } from '../../i18n';
import { Grid } from '../../parts/grid';
import { Sheet } from '../../parts/sheet';
import { Loaded } from '../../parts/states';
import { say } from '../../parts/toast';

/** One task: every point drawn, and the place to enter what the device showed. */
export function TaskSheet({ id, onClose }: { id: string; onClose: () => void }) {
  const { t } = useTranslation();
  const [given, setGiven] = useState<Record<string, string>>({});
  const path = { params: { path: { id } } };
  const task = useResource(() => got(api.GET('/api/v1/verification/tasks/{id}', path)), [id]);
  const work = async (action: () => Promise<unknown>) => {
    try {
      await action();
      setGiven({});
      task.reload();
    } catch (error) {
      say(problemText(error));
    }
  };
  const readings = Object.entries(given)
    .filter(([, text]) => text.trim() !== '' && Number.isFinite(Number(text)))
    .map(([point, text]) => ({ point, value: Number(text), note: '' }));
  const enters = may('keep_devices') && task.data?.state === 'open';
  const verdict = (row: VerificationItem) =>
    row.within === null ? '–' : t(row.within ? 'governance.agrees' : 'governance.differs', { error: showNumber(row.error, 2), tolerance: showNumber(row.tolerance, 2) });
  return (
    <Sheet title={task.data?.name ?? ''} onClose={onClose} testid="task-sheet">
      <Loaded of={task} height={200}>
        {(data) => (
          <>
            <Grid
              columns={[
                {
                  name: 'point',
                  label: t('governance.point'),
                  cell: (row: VerificationItem) => (
                    <>
                      {named({ zh: row.asset_zh, en: row.asset_en })} · {named(row)}
                      <div className="code small">{row.point}</div>
                    </>
                  ),
                },
                {
                  name: 'reading',
                  label: t('governance.reading'),
                  num: true,
                  cell: (row: VerificationItem) =>
                    enters && row.reading === null ? (
                      <input
                        className="input"
                        inputMode="decimal"
                        aria-label={`${row.point} ${showUnit(row.unit)}`}
                        value={given[row.point] ?? ''}
                        data-testid={`reading-${row.point}`}
                        onChange={(event) => setGiven({ ...given, [row.point]: event.target.value })}
                      />
                    ) : (
                      `${showNumber(row.reading, 2)} ${showUnit(row.unit)}`
                    ),
                },
                { name: 'uploaded', label: t('governance.uploaded'), num: true, cell: (row: VerificationItem) => showNumber(row.uploaded, 2) },
                { name: 'verdict', label: t('governance.verdict'), cell: verdict },
              ]}
              rows={data.items}
              rowKey={(row) => row.point}
              empty="–"
              caption={data.name}
            />
            {enters && (
              <div className="actions">
                <button
                  type="button"
                  className="btn main"
                  disabled={readings.length === 0}
                  data-testid="readings-save"
                  onClick={() => void work(() => got(api.POST('/api/v1/verification/tasks/{id}/readings', { ...path, body: { readings } })))}
                >
                  {t('save')}
                </button>
                <button
                  type="button"
                  className="btn"
                  onClick={() =>
                    void work(() =>
                      got(api.POST('/api/v1/verification/tasks/{id}/end', { ...path, body: { give_up: data.read < data.points, note: '' } })),
                    )
                  }
                >
                  {t('governance.end')}
                </button>
              </div>
            )}
          </>
        )}
      </Loaded>
    </Sheet>
  );
}
