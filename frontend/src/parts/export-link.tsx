import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError, api, got } from '../api/client';
import { useResource } from '../base/resource';
import { Sheet } from './sheet';

const LEAST = { passphrase: 12, reason: 5 } as const;

interface ExportLinkProps {
  href: string;
  className?: string;
  testid: string;
  children: ReactNode;
}

/** A download; where exports leave encrypted, it asks for a passphrase, or why not. */
export function ExportLink({ href, className = 'btn', testid, children }: ExportLinkProps) {
  const rule = useResource(() => got(api.GET('/api/v1/exports')), []);
  const [open, setOpen] = useState(false);
  const free = rule.data?.plain === 'free';
  return (
    <>
      <a
        className={className}
        href={href}
        download
        data-testid={testid}
        onClick={(event) => {
          if (free) return;
          event.preventDefault();
          setOpen(true);
        }}
      >
        {children}
      </a>
      {open && <Choice href={href} mayPlain={rule.data?.may_plain ?? false} onClose={() => setOpen(false)} />}
    </>
  );
}

function Choice({ href, mayPlain, onClose }: { href: string; mayPlain: boolean; onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const [how, setHow] = useState<'passphrase' | 'plain'>('passphrase');
  const [text, setText] = useState('');
  const [fault, setFault] = useState('');
  const least = how === 'plain' ? LEAST.reason : LEAST.passphrase;
  const choose = (next: typeof how) => {
    setHow(next);
    setText('');
    setFault('');
  };
  const send = async () => {
    try {
      const plain = how === 'plain';
      const body = { how, passphrase: plain ? '' : text, public_key: '', reason: plain ? text : '' };
      const { ticket } = await got(api.POST('/api/v1/exports', { body }));
      const link = document.createElement('a');
      link.href = `${href}${href.includes('?') ? '&' : '?'}export=${encodeURIComponent(ticket)}`;
      link.download = '';
      link.click();
      onClose();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setFault(i18n.language.startsWith('zh') ? error.body.message_zh : error.body.message_en);
    }
  };
  return (
    <Sheet title={t('sealed.title')} onClose={onClose} testid="export-choice">
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <fieldset>
          <legend>{t('sealed.how')}</legend>
          <label className="row">
            <input type="radio" name="how" checked={how === 'passphrase'} onChange={() => choose('passphrase')} />
            {t('sealed.passphrase')}
          </label>
          {mayPlain && (
            <label className="row">
              <input
                type="radio"
                name="how"
                checked={how === 'plain'}
                onChange={() => choose('plain')}
                data-testid="export-plain"
              />
              {t('sealed.plain')}
            </label>
          )}
        </fieldset>
        <label className="field">
          <span>{t(how === 'plain' ? 'sealed.reason' : 'sealed.word', { least })}</span>
          <input
            className="input"
            type={how === 'plain' ? 'text' : 'password'}
            autoComplete={how === 'plain' ? 'off' : 'new-password'}
            maxLength={200}
            value={text}
            onChange={(event) => setText(event.target.value)}
            data-testid="export-text"
          />
        </label>
        <p className="muted">{t(how === 'plain' ? 'sealed.plainHelp' : 'sealed.help')}</p>
        {fault && (
          <p className="raised" role="alert">
            {fault}
          </p>
        )}
        <div className="row">
          <span className="grow" />
          <button type="submit" className="btn main" disabled={text.trim().length < least} data-testid="export-go">
            {t('sealed.go')}
          </button>
        </div>
      </form>
    </Sheet>
  );
}
