/** Loaded before a program (`node --import`): SIGUSR2 makes it fail as a defect would, where nobody handles it. */
process.on('SIGUSR2', () => void Promise.reject(new Error('nobody handles this')));
