import { redirect } from 'next/navigation';
import { pageScope } from './_server/session.ts';

/** Staff begin with what needs them today, a customer with their home. */
export default async function StartPage(): Promise<never> {
  const { isStaff } = await pageScope();
  redirect(isStaff ? '/today' : '/home');
}
