import { useNavigate } from 'react-router';
import { NewPassword } from './new-password';

export default function PasswordPage() {
  const go = useNavigate();
  return <NewPassword onDone={() => void go('/')} />;
}
