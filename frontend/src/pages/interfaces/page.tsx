import { useTranslation } from 'react-i18next';
import '../../styles/figures.css';
import { Modules } from './modules';
import { States } from './states';
import { Sync } from './sync';
import { Webhooks } from './webhooks';

/** Everything that goes out of the platform, and what was added to it. */
export default function InterfacesPage() {
  const { t } = useTranslation();
  return (
    <div className="page" data-testid="interfaces-page">
      <header className="page-head">
        <h1>{t('nav.interfaces')}</h1>
        <a className="btn" href="/api/v1/openapi.json" target="_blank" rel="noreferrer">
          OpenAPI
        </a>
      </header>
      <States />
      <Webhooks />
      <Sync />
      <Modules />
    </div>
  );
}
