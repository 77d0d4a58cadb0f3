import { fieldError, type Problem } from '../api/problem.ts'

/** What the server has against a new password: said beside its field, wherever the problem says it. */
export const newPasswordError = (problem: Problem | null, field: string): string => {
  const beside = fieldError(problem, field)
  if (beside !== '' || problem === null) return beside
  return problem.code.startsWith('password-') ? problem.detail : ''
}
