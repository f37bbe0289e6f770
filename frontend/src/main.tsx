import { createRoot } from 'react-dom/client';
import { followTheme } from './base/theme';
import { startLanguage } from './i18n';
import { Root } from './root';
import './styles/tokens.css';
import './styles/base.css';
import './styles/parts.css';
import './styles/signin.css';

followTheme();
await startLanguage();
createRoot(document.getElementById('root') as HTMLElement).render(<Root />);
