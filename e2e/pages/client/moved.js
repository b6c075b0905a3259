// All that changes for a frontend on `@wristband/react-client-auth`: the names in this import.

export {
  AuthProvider as WristbandAuthProvider,
  getCsrfToken,
  redirectToLogin,
  redirectToLogout,
  useAuth as useWristbandAuth,
  useSession as useWristbandSession,
  useToken as useWristbandToken,
} from '@doorward/client/react';
