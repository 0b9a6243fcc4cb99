use callbox::RpcError;

fn answer(failure: Failure) -> RpcError {
    failure.into()
}

#[derive(RpcError)]
enum Failure {
    Gone,

    #[rpc(code = -32000, note = "x")]
    Busy,

    #[rpc(transparent)]
    Other(u8, u8),
}

fn main() {}
