//! A live API server. (To be written.)
