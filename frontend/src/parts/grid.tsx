import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

export interface Column<T> {
  name: string;
  label: ReactNode;
  /** Plain label for phone cards. */
  plain?: string;
  cell: (row: T) => ReactNode;
  num?: boolean;
  sort?: boolean;
}

export interface Sort {
  by: string;
  down: boolean;
}

interface GridProps<T> {
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T) => string;
  empty: string;
  testid?: string;
  rowTestid?: (row: T) => string;
  sort?: Sort | null;
  onSort?: (sort: Sort) => void;
  caption: string;
}

/** A plain table that turns into cards on a phone. */
export function Grid<T>(props: GridProps<T>) {
  const { columns, rows, rowKey, empty, testid, rowTestid, sort, onSort, caption } = props;
  if (rows.length === 0) {
    return (
      <div className="empty" data-testid={testid}>
        {empty}
      </div>
    );
  }
  return (
    <div className="table-wrap" data-testid={testid}>
      <table className="grid-table cards">
        <caption className="hidden-label">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th
                key={column.name}
                scope="col"
                className={column.num ? 'num' : undefined}
                aria-sort={
                  sort?.by === column.name ? (sort.down ? 'descending' : 'ascending') : undefined
                }
              >
                {column.sort && onSort ? (
                  <button
                    type="button"
                    onClick={() =>
                      onSort({ by: column.name, down: sort?.by === column.name ? !sort.down : true })
                    }
                  >
                    {column.label} {sort?.by === column.name ? (sort.down ? '↓' : '↑') : ''}
                  </button>
                ) : (
                  column.label
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)} data-testid={rowTestid?.(row)}>
              {columns.map((column) => (
                <td
                  key={column.name}
                  className={column.num ? 'num' : undefined}
                  data-label={column.plain ?? (typeof column.label === 'string' ? column.label : '')}
                >
                  <div className="cell">{column.cell(row)}</div>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface PagerProps {
  page: number;
  size: number;
  total: number;
  onPage: (page: number) => void;
}

export function Pager({ page, size, total, onPage }: PagerProps) {
  const { t } = useTranslation();
  const last = Math.max(1, Math.ceil(total / size));
  return (
    <nav className="pager" aria-label={t('pager.label')}>
      <span>{t('pager.total', { total })}</span>
      <button
        type="button"
        className="btn tiny"
        disabled={page <= 1}
        data-testid="page-previous"
        onClick={() => onPage(page - 1)}
      >
        {t('pager.previous')}
      </button>
      <span>
        {page} / {last}
      </span>
      <button
        type="button"
        className="btn tiny"
        disabled={page >= last}
        data-testid="page-next"
        onClick={() => onPage(page + 1)}
      >
        {t('pager.next')}
      </button>
    </nav>
  );
}
