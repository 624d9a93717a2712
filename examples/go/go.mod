module moldau

go 1.18
