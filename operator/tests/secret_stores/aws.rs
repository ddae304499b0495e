//! AWS Secrets Manager as moto plays it. It moves labels as AWS does and, where a test asks for it,
//! checks signatures and policies with AWS's own code for Python. It is laxer than AWS in this: it
//! limits neither versions nor requests, sessions do not expire, who assumes a role is not looked at,
//! and refusals of policies come in XML. What we send and how we take such answers is in the unit tests of `secret_store::aws`.

mod crashes;
mod faults;
mod ledgers;
mod publishing;
mod rights;
mod server;
