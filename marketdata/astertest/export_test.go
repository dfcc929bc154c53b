package astertest

// RecoverSigner lets tests check signatures of texts that are no requests.
var RecoverSigner = recoverSigner
