; out = A B[rows]^T in bf16 for sm_90a: 64x64 tiles, K in steps of 64 through three stages.
; Warps 0-3 multiply with wgmma; warp 4 loads A by TMA and gathers rows of B with cp.async.
; The tile goes out by stmatrix and TMA. Launch: block 160, 57856 bytes.
@smem = external addrspace(3) global [0 x i8], align 1024

define ptx_kernel void @k(ptr addrspace(1) %map, ptr addrspace(1) %B, ptr addrspace(1) readonly %rows, ptr addrspace(1) %out, i32 %K) {
entry:
  %acc = alloca [32 x float], align 4
  %0 = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %div128 = lshr i32 %0, 5
  %rem = and i32 %0, 31
  %cmp = icmp eq i32 %0, 0
  br i1 %cmp, label %for.body.preheader, label %if.end

for.body.preheader:
  call void asm sideeffect "mbarrier.init.shared.b64 [$0], $1;", "r,r,~{memory}"(i32 add (i32 ptrtoint (ptr addrspace(3) @smem to i32), i32 57344), i32 2)
  call void asm sideeffect "mbarrier.init.shared.b64 [$0], $1;", "r,r,~{memory}"(i32 add (i32 ptrtoint (ptr addrspace(3) @smem to i32), i32 57408), i32 4)
  %add.1 = or disjoint i32 8, add (i32 ptrtoint (ptr addrspace(3) @smem to i32), i32 57344)
  call void asm sideeffect "mbarrier.init.shared.b64 [$0], $1;", "r,r,~{memory}"(i32 %add.1, i32 2)
  %add3.1 = or disjoint i32 8, add (i32 ptrtoint (ptr addrspace(3) @smem to i32), i32 57408)
  call void asm sideeffect "mbarrier.init.shared.b64 [$0], $1;", "r,r,~{memory}"(i32 %add3.1, i32 4)
  %add.2 = or disjoint i32 16, add (i32 ptrtoint (ptr addrspace(3) @smem to i32), i32 57344)
  call void asm sideeffect "mbarrier.init.shared.b64 [$0], $1;", "r,r,~{memory}"(i32 %add.2, i32 2)
  %add3.2 = or disjoint i32 16, add (i32 ptrtoint (ptr addrspace(3) @smem to i32), i32 57408)
  call void asm sideeffect "mbarrier.init.shared.b64 [$0], $1;", "r,r,~{memory}"(i32 %add3.2, i32 4)
  call void asm sideeffect "fence.mbarrier_init.release.cluster;", "~{memory}"()
  br label %if.end

if.end:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %cmp4 = icmp eq i32 %div128, 4
  br i1 %cmp4, label %if.then5, label %if.end6

if.then5:
  call void asm sideeffect "setmaxnreg.dec.sync.aligned.u32 40;", ""()
  %1 = addrspacecast ptr addrspace(1) %map to ptr
  %div.i = sdiv i32 %K, 64
  %cmp67.i = icmp sgt i32 %K, 63
  br i1 %cmp67.i, label %for.body.lr.ph.i, label %cleanup

for.body.lr.ph.i:
  %cmp5.i = icmp eq i32 %rem, 0
  %2 = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.y()
  %mul9.i = shl nuw nsw i32 %2, 6
  %div1664.i = lshr i32 %rem, 3
  %3 = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %mul20.i = shl nsw i32 %3, 6
  %conv22.i = zext nneg i32 %K to i64
  %rem19.i = shl nuw nsw i32 %0, 3
  %mul27.i = and i32 %rem19.i, 56
  br label %for.body.i

for.body.i:
  %k.068.i = phi i32 [ 0, %for.body.lr.ph.i ], [ %inc43.i, %if.end41.i ]
  %k.068.i.frozen = freeze i32 %k.068.i
  %div3.i = udiv i32 %k.068.i.frozen, 3
  %4 = mul i32 %div3.i, 3
  %rem.i.decomposed = sub i32 %k.068.i.frozen, %4
  %mul.i = shl nuw nsw i32 %rem.i.decomposed, 14
  %mul1.i = shl nuw nsw i32 %rem.i.decomposed, 3
  %add2.i = or disjoint i32 %mul1.i, add (i32 ptrtoint (ptr addrspace(3) @smem to i32), i32 57408)
  %rem4.i = and i32 %div3.i, 1
  %xor.i = xor i32 %rem4.i, 1
  call void asm sideeffect "{\0A.reg .pred P1;\0ALAB_WAIT:\0Ambarrier.try_wait.parity.shared.b64 P1, [$0], $1, $2;\0A@P1 bra.uni DONE;\0Abra.uni LAB_WAIT;\0ADONE:\0A}", "r,r,n,~{memory}"(i32 %add2.i, i32 %xor.i, i32 10000000)
  %mul8.i = shl nsw i32 %k.068.i, 6
  br i1 %cmp5.i, label %if.then.i, label %if.end.i

if.then.i:
  %add.i = add i32 %mul.i, ptrtoint (ptr addrspace(3) @smem to i32)
  %add7.i = or disjoint i32 %mul1.i, add (i32 ptrtoint (ptr addrspace(3) @smem to i32), i32 57344)
  call void asm sideeffect "mbarrier.arrive.expect_tx.shared.b64 _, [$0], $1;", "r,r,~{memory}"(i32 %add7.i, i32 8192)
  call void asm sideeffect "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [$0], [$1, {$2, $3}], [$4];", "r,l,r,r,r,~{memory}"(i32 %add.i, ptr %1, i32 %mul8.i, i32 %mul9.i, i32 %add7.i)
  br label %if.end.i

if.end.i:
  %add2669.i = or disjoint i32 %mul8.i, %mul27.i
  %add26.i = zext nneg i32 %add2669.i to i64
  %add31.i = add i32 %mul.i, add (i32 ptrtoint (ptr addrspace(3) @smem to i32), i32 8192)
  br label %for.body15.i

for.cond.cleanup14.i:
  call void asm sideeffect "cp.async.commit_group;", "~{memory}"()
  call void asm sideeffect "cp.async.wait_group 0;", "~{memory}"()
  call void asm sideeffect "fence.proxy.async.shared::cta;", "~{memory}"()
  call void asm sideeffect "bar.warp.sync 0xffffffff;", "~{memory}"()
  br i1 %cmp5.i, label %if.then38.i, label %if.end41.i

for.body15.i:
  %i.066.i = phi i32 [ 0, %if.end.i ], [ %inc.i, %for.body15.i ]
  %mul17.i = shl nuw nsw i32 %i.066.i, 2
  %add18.i = or disjoint i32 %mul17.i, %div1664.i
  %add21.i = add nuw nsw i32 %add18.i, %mul20.i
  %idxprom.i = zext nneg i32 %add21.i to i64
  %arrayidx.i = getelementptr inbounds nuw i32, ptr addrspace(1) %rows, i64 %idxprom.i
  %5 = load i32, ptr addrspace(1) %arrayidx.i, align 4
  %conv.i = sext i32 %5 to i64
  %mul23.i = mul nsw i64 %conv.i, %conv22.i
  %add29.i = add nsw i64 %mul23.i, %add26.i
  %mul30.i = shl i64 %add29.i, 1
  %add.ptr.i = getelementptr inbounds nuw i8, ptr addrspace(1) %B, i64 %mul30.i
  %mul32.i = shl nuw nsw i32 %add18.i, 7
  %add33.i = add i32 %add31.i, %mul32.i
  %rem1965.i = xor i32 %add18.i, %0
  %xor34.i = shl nuw nsw i32 %rem1965.i, 4
  %shl.i = and i32 %xor34.i, 112
  %add35.i = or disjoint i32 %shl.i, %add33.i
  call void asm sideeffect "cp.async.cg.shared.global [$0], [$1], 16;", "r,l,~{memory}"(i32 %add35.i, ptr addrspace(1) %add.ptr.i)
  %inc.i = add nuw nsw i32 %i.066.i, 1
  %exitcond.not.i = icmp eq i32 %inc.i, 16
  br i1 %exitcond.not.i, label %for.cond.cleanup14.i, label %for.body15.i

if.then38.i:
  %add40.i = or disjoint i32 %mul1.i, add (i32 ptrtoint (ptr addrspace(3) @smem to i32), i32 57344)
  call void asm sideeffect "mbarrier.arrive.shared.b64 _, [$0];", "r,~{memory}"(i32 %add40.i)
  br label %if.end41.i

if.end41.i:
  %inc43.i = add nuw nsw i32 %k.068.i, 1
  %exitcond70.not.i = icmp eq i32 %inc43.i, %div.i
  br i1 %exitcond70.not.i, label %cleanup, label %for.body.i

if.end6:
  call void asm sideeffect "setmaxnreg.inc.sync.aligned.u32 232;", ""()
  call void @llvm.memset.p0.i64(ptr nonnull align 4 dereferenceable(128) %acc, i8 0, i64 128, i1 false)
  %div8 = sdiv i32 %K, 64
  %cmp9234 = icmp sgt i32 %K, 63
  br i1 %cmp9234, label %for.body11.lr.ph, label %for.cond41.preheader

for.body11.lr.ph:
  %arrayidx1.i = getelementptr inbounds nuw i8, ptr %acc, i64 4
  %arrayidx2.i = getelementptr inbounds nuw i8, ptr %acc, i64 8
  %arrayidx3.i = getelementptr inbounds nuw i8, ptr %acc, i64 12
  %arrayidx4.i = getelementptr inbounds nuw i8, ptr %acc, i64 16
  %arrayidx5.i = getelementptr inbounds nuw i8, ptr %acc, i64 20
  %arrayidx6.i = getelementptr inbounds nuw i8, ptr %acc, i64 24
  %arrayidx7.i = getelementptr inbounds nuw i8, ptr %acc, i64 28
  %arrayidx8.i = getelementptr inbounds nuw i8, ptr %acc, i64 32
  %arrayidx9.i = getelementptr inbounds nuw i8, ptr %acc, i64 36
  %arrayidx10.i = getelementptr inbounds nuw i8, ptr %acc, i64 40
  %arrayidx11.i = getelementptr inbounds nuw i8, ptr %acc, i64 44
  %arrayidx12.i = getelementptr inbounds nuw i8, ptr %acc, i64 48
  %arrayidx13.i = getelementptr inbounds nuw i8, ptr %acc, i64 52
  %arrayidx14.i = getelementptr inbounds nuw i8, ptr %acc, i64 56
  %arrayidx15.i = getelementptr inbounds nuw i8, ptr %acc, i64 60
  %arrayidx16.i = getelementptr inbounds nuw i8, ptr %acc, i64 64
  %arrayidx17.i = getelementptr inbounds nuw i8, ptr %acc, i64 68
  %arrayidx18.i = getelementptr inbounds nuw i8, ptr %acc, i64 72
  %arrayidx19.i = getelementptr inbounds nuw i8, ptr %acc, i64 76
  %arrayidx20.i = getelementptr inbounds nuw i8, ptr %acc, i64 80
  %arrayidx21.i = getelementptr inbounds nuw i8, ptr %acc, i64 84
  %arrayidx22.i = getelementptr inbounds nuw i8, ptr %acc, i64 88
  %arrayidx23.i = getelementptr inbounds nuw i8, ptr %acc, i64 92
  %arrayidx24.i = getelementptr inbounds nuw i8, ptr %acc, i64 96
  %arrayidx25.i = getelementptr inbounds nuw i8, ptr %acc, i64 100
  %arrayidx26.i = getelementptr inbounds nuw i8, ptr %acc, i64 104
  %arrayidx27.i = getelementptr inbounds nuw i8, ptr %acc, i64 108
  %arrayidx28.i = getelementptr inbounds nuw i8, ptr %acc, i64 112
  %arrayidx29.i = getelementptr inbounds nuw i8, ptr %acc, i64 116
  %arrayidx30.i = getelementptr inbounds nuw i8, ptr %acc, i64 120
  %arrayidx31.i = getelementptr inbounds nuw i8, ptr %acc, i64 124
  %cmp33 = icmp eq i32 %rem, 0
  br label %for.body11

for.cond7.for.cond41.preheader_crit_edge:
  store float %asmresult32.i, ptr %arrayidx1.i, align 4
  store float %asmresult33.i, ptr %arrayidx2.i, align 4
  store float %asmresult34.i, ptr %arrayidx3.i, align 4
  store float %asmresult35.i, ptr %arrayidx4.i, align 4
  store float %asmresult36.i, ptr %arrayidx5.i, align 4
  store float %asmresult37.i, ptr %arrayidx6.i, align 4
  store float %asmresult38.i, ptr %arrayidx7.i, align 4
  store float %asmresult39.i, ptr %arrayidx8.i, align 4
  store float %asmresult40.i, ptr %arrayidx9.i, align 4
  store float %asmresult41.i, ptr %arrayidx10.i, align 4
  store float %asmresult42.i, ptr %arrayidx11.i, align 4
  store float %asmresult43.i, ptr %arrayidx12.i, align 4
  store float %asmresult44.i, ptr %arrayidx13.i, align 4
  store float %asmresult45.i, ptr %arrayidx14.i, align 4
  store float %asmresult46.i, ptr %arrayidx15.i, align 4
  store float %asmresult47.i, ptr %arrayidx16.i, align 4
  store float %asmresult48.i, ptr %arrayidx17.i, align 4
  store float %asmresult49.i, ptr %arrayidx18.i, align 4
  store float %asmresult50.i, ptr %arrayidx19.i, align 4
  store float %asmresult51.i, ptr %arrayidx20.i, align 4
  store float %asmresult52.i, ptr %arrayidx21.i, align 4
  store float %asmresult53.i, ptr %arrayidx22.i, align 4
  store float %asmresult54.i, ptr %arrayidx23.i, align 4
  store float %asmresult55.i, ptr %arrayidx24.i, align 4
  store float %asmresult56.i, ptr %arrayidx25.i, align 4
  store float %asmresult57.i, ptr %arrayidx26.i, align 4
  store float %asmresult58.i, ptr %arrayidx27.i, align 4
  store float %asmresult59.i, ptr %arrayidx28.i, align 4
  store float %asmresult60.i, ptr %arrayidx29.i, align 4
  store float %asmresult61.i, ptr %arrayidx30.i, align 4
  store float %asmresult62.i, ptr %arrayidx31.i, align 4
  store float %asmresult.i, ptr %acc, align 4
  br label %for.cond41.preheader

for.cond41.preheader:
  %div49129 = lshr i32 %rem, 4
  %6 = shl nuw nsw i32 %div128, 11
  %rem46 = shl nuw nsw i32 %0, 7
  %7 = and i32 %rem46, 1920
  %mul51 = add i32 %7, add (i32 ptrtoint (ptr addrspace(3) @smem to i32), i32 49152)
  %add52 = add i32 %mul51, %6
  %and = and i32 %0, 7
  br label %for.body44

for.body11:
  %asmresult62.i.lcssa298 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult62.i, %if.end37 ]
  %asmresult61.i.lcssa296 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult61.i, %if.end37 ]
  %asmresult60.i.lcssa294 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult60.i, %if.end37 ]
  %asmresult59.i.lcssa292 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult59.i, %if.end37 ]
  %asmresult58.i.lcssa290 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult58.i, %if.end37 ]
  %asmresult57.i.lcssa288 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult57.i, %if.end37 ]
  %asmresult56.i.lcssa286 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult56.i, %if.end37 ]
  %asmresult55.i.lcssa284 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult55.i, %if.end37 ]
  %asmresult54.i.lcssa282 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult54.i, %if.end37 ]
  %asmresult53.i.lcssa280 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult53.i, %if.end37 ]
  %asmresult52.i.lcssa278 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult52.i, %if.end37 ]
  %asmresult51.i.lcssa276 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult51.i, %if.end37 ]
  %asmresult50.i.lcssa274 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult50.i, %if.end37 ]
  %asmresult49.i.lcssa272 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult49.i, %if.end37 ]
  %asmresult48.i.lcssa270 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult48.i, %if.end37 ]
  %asmresult47.i.lcssa268 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult47.i, %if.end37 ]
  %asmresult46.i.lcssa266 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult46.i, %if.end37 ]
  %asmresult45.i.lcssa264 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult45.i, %if.end37 ]
  %asmresult44.i.lcssa262 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult44.i, %if.end37 ]
  %asmresult43.i.lcssa260 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult43.i, %if.end37 ]
  %asmresult42.i.lcssa258 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult42.i, %if.end37 ]
  %asmresult41.i.lcssa256 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult41.i, %if.end37 ]
  %asmresult40.i.lcssa254 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult40.i, %if.end37 ]
  %asmresult39.i.lcssa252 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult39.i, %if.end37 ]
  %asmresult38.i.lcssa250 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult38.i, %if.end37 ]
  %asmresult37.i.lcssa248 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult37.i, %if.end37 ]
  %asmresult36.i.lcssa246 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult36.i, %if.end37 ]
  %asmresult35.i.lcssa244 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult35.i, %if.end37 ]
  %asmresult34.i.lcssa242 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult34.i, %if.end37 ]
  %asmresult33.i.lcssa240 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult33.i, %if.end37 ]
  %asmresult32.i.lcssa238 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult32.i, %if.end37 ]
  %k.0236 = phi i32 [ 0, %for.body11.lr.ph ], [ %inc39, %if.end37 ]
  %asmresult.i.lcssa233235 = phi float [ 0.000000e+00, %for.body11.lr.ph ], [ %asmresult.i, %if.end37 ]
  %k.0236.frozen = freeze i32 %k.0236
  %div18 = udiv i32 %k.0236.frozen, 3
  %8 = mul i32 %div18, 3
  %rem13.decomposed = sub i32 %k.0236.frozen, %8
  %mul14 = shl nuw nsw i32 %rem13.decomposed, 14
  %add15 = add i32 %mul14, ptrtoint (ptr addrspace(3) @smem to i32)
  %mul16 = shl nuw nsw i32 %rem13.decomposed, 3
  %add17 = or disjoint i32 %mul16, add (i32 ptrtoint (ptr addrspace(3) @smem to i32), i32 57344)
  %rem19 = and i32 %div18, 1
  call void asm sideeffect "{\0A.reg .pred P1;\0ALAB_WAIT:\0Ambarrier.try_wait.parity.shared.b64 P1, [$0], $1, $2;\0A@P1 bra.uni DONE;\0Abra.uni LAB_WAIT;\0ADONE:\0A}", "r,r,n,~{memory}"(i32 %add17, i32 %rem19, i32 10000000)
  call void asm sideeffect "wgmma.fence.sync.aligned;", "~{memory}"()
  %add26 = add i32 %mul14, add (i32 ptrtoint (ptr addrspace(3) @smem to i32), i32 8192)
  br label %for.body23

for.cond.cleanup22:
  call void asm sideeffect "wgmma.commit_group.sync.aligned;", "~{memory}"()
  call void asm sideeffect "wgmma.wait_group.sync.aligned 0;", "~{memory}"()
  br i1 %cmp33, label %if.then34, label %if.end37

for.body23:
  %i.0199 = phi i32 [ 0, %for.body11 ], [ %inc31, %for.body23 ]
  %asmresult.i135198 = phi float [ %asmresult.i.lcssa233235, %for.body11 ], [ %asmresult.i, %for.body23 ]
  %asmresult32.i136197 = phi float [ %asmresult32.i.lcssa238, %for.body11 ], [ %asmresult32.i, %for.body23 ]
  %asmresult33.i137196 = phi float [ %asmresult33.i.lcssa240, %for.body11 ], [ %asmresult33.i, %for.body23 ]
  %asmresult34.i138195 = phi float [ %asmresult34.i.lcssa242, %for.body11 ], [ %asmresult34.i, %for.body23 ]
  %asmresult35.i139194 = phi float [ %asmresult35.i.lcssa244, %for.body11 ], [ %asmresult35.i, %for.body23 ]
  %asmresult36.i140193 = phi float [ %asmresult36.i.lcssa246, %for.body11 ], [ %asmresult36.i, %for.body23 ]
  %asmresult37.i141192 = phi float [ %asmresult37.i.lcssa248, %for.body11 ], [ %asmresult37.i, %for.body23 ]
  %asmresult38.i142191 = phi float [ %asmresult38.i.lcssa250, %for.body11 ], [ %asmresult38.i, %for.body23 ]
  %asmresult39.i143190 = phi float [ %asmresult39.i.lcssa252, %for.body11 ], [ %asmresult39.i, %for.body23 ]
  %asmresult40.i144189 = phi float [ %asmresult40.i.lcssa254, %for.body11 ], [ %asmresult40.i, %for.body23 ]
  %asmresult41.i145188 = phi float [ %asmresult41.i.lcssa256, %for.body11 ], [ %asmresult41.i, %for.body23 ]
  %asmresult42.i146187 = phi float [ %asmresult42.i.lcssa258, %for.body11 ], [ %asmresult42.i, %for.body23 ]
  %asmresult43.i147186 = phi float [ %asmresult43.i.lcssa260, %for.body11 ], [ %asmresult43.i, %for.body23 ]
  %asmresult44.i148185 = phi float [ %asmresult44.i.lcssa262, %for.body11 ], [ %asmresult44.i, %for.body23 ]
  %asmresult45.i149184 = phi float [ %asmresult45.i.lcssa264, %for.body11 ], [ %asmresult45.i, %for.body23 ]
  %asmresult46.i150183 = phi float [ %asmresult46.i.lcssa266, %for.body11 ], [ %asmresult46.i, %for.body23 ]
  %asmresult47.i151182 = phi float [ %asmresult47.i.lcssa268, %for.body11 ], [ %asmresult47.i, %for.body23 ]
  %asmresult48.i152181 = phi float [ %asmresult48.i.lcssa270, %for.body11 ], [ %asmresult48.i, %for.body23 ]
  %asmresult49.i153180 = phi float [ %asmresult49.i.lcssa272, %for.body11 ], [ %asmresult49.i, %for.body23 ]
  %asmresult50.i154179 = phi float [ %asmresult50.i.lcssa274, %for.body11 ], [ %asmresult50.i, %for.body23 ]
  %asmresult51.i155178 = phi float [ %asmresult51.i.lcssa276, %for.body11 ], [ %asmresult51.i, %for.body23 ]
  %asmresult52.i156177 = phi float [ %asmresult52.i.lcssa278, %for.body11 ], [ %asmresult52.i, %for.body23 ]
  %asmresult53.i157176 = phi float [ %asmresult53.i.lcssa280, %for.body11 ], [ %asmresult53.i, %for.body23 ]
  %asmresult54.i158175 = phi float [ %asmresult54.i.lcssa282, %for.body11 ], [ %asmresult54.i, %for.body23 ]
  %asmresult55.i159174 = phi float [ %asmresult55.i.lcssa284, %for.body11 ], [ %asmresult55.i, %for.body23 ]
  %asmresult56.i160173 = phi float [ %asmresult56.i.lcssa286, %for.body11 ], [ %asmresult56.i, %for.body23 ]
  %asmresult57.i161172 = phi float [ %asmresult57.i.lcssa288, %for.body11 ], [ %asmresult57.i, %for.body23 ]
  %asmresult58.i162171 = phi float [ %asmresult58.i.lcssa290, %for.body11 ], [ %asmresult58.i, %for.body23 ]
  %asmresult59.i163170 = phi float [ %asmresult59.i.lcssa292, %for.body11 ], [ %asmresult59.i, %for.body23 ]
  %asmresult60.i164169 = phi float [ %asmresult60.i.lcssa294, %for.body11 ], [ %asmresult60.i, %for.body23 ]
  %asmresult61.i165168 = phi float [ %asmresult61.i.lcssa296, %for.body11 ], [ %asmresult61.i, %for.body23 ]
  %asmresult62.i166167 = phi float [ %asmresult62.i.lcssa298, %for.body11 ], [ %asmresult62.i, %for.body23 ]
  %mul24 = shl nuw nsw i32 %i.0199, 5
  %add25 = add nuw nsw i32 %mul24, %add15
  %shr.i = lshr exact i32 %add25, 4
  %and.i = and i32 %shr.i, 16326
  %or.i = zext nneg i32 %and.i to i64
  %or2.i = or disjoint i64 %or.i, 4611686293305360384
  %add28 = add nuw nsw i32 %mul24, %add26
  %shr.i130 = lshr exact i32 %add28, 4
  %and.i131 = and i32 %shr.i130, 16383
  %or.i132 = zext nneg i32 %and.i131 to i64
  %or2.i133 = or disjoint i64 %or.i132, 4611686293305360384
  %9 = call { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } asm sideeffect "{\0A.reg .pred p;\0Asetp.ne.b32 p, $34, 0;\0Awgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {$0, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31}, $32, $33, p, 1, 1, 0, 0;\0A}", "=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,l,l,r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31"(i64 range(i64 4611686293305360384, 4611686293305376768) %or2.i, i64 range(i64 4611686293305360384, 4611686293305376768) %or2.i133, i32 1, float %asmresult.i135198, float %asmresult32.i136197, float %asmresult33.i137196, float %asmresult34.i138195, float %asmresult35.i139194, float %asmresult36.i140193, float %asmresult37.i141192, float %asmresult38.i142191, float %asmresult39.i143190, float %asmresult40.i144189, float %asmresult41.i145188, float %asmresult42.i146187, float %asmresult43.i147186, float %asmresult44.i148185, float %asmresult45.i149184, float %asmresult46.i150183, float %asmresult47.i151182, float %asmresult48.i152181, float %asmresult49.i153180, float %asmresult50.i154179, float %asmresult51.i155178, float %asmresult52.i156177, float %asmresult53.i157176, float %asmresult54.i158175, float %asmresult55.i159174, float %asmresult56.i160173, float %asmresult57.i161172, float %asmresult58.i162171, float %asmresult59.i163170, float %asmresult60.i164169, float %asmresult61.i165168, float %asmresult62.i166167)
  %asmresult.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 0
  %asmresult32.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 1
  %asmresult33.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 2
  %asmresult34.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 3
  %asmresult35.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 4
  %asmresult36.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 5
  %asmresult37.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 6
  %asmresult38.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 7
  %asmresult39.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 8
  %asmresult40.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 9
  %asmresult41.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 10
  %asmresult42.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 11
  %asmresult43.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 12
  %asmresult44.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 13
  %asmresult45.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 14
  %asmresult46.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 15
  %asmresult47.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 16
  %asmresult48.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 17
  %asmresult49.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 18
  %asmresult50.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 19
  %asmresult51.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 20
  %asmresult52.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 21
  %asmresult53.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 22
  %asmresult54.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 23
  %asmresult55.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 24
  %asmresult56.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 25
  %asmresult57.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 26
  %asmresult58.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 27
  %asmresult59.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 28
  %asmresult60.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 29
  %asmresult61.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 30
  %asmresult62.i = extractvalue { float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float, float } %9, 31
  %inc31 = add nuw nsw i32 %i.0199, 1
  %exitcond.not = icmp eq i32 %inc31, 4
  br i1 %exitcond.not, label %for.cond.cleanup22, label %for.body23

if.then34:
  %add36 = or disjoint i32 %mul16, add (i32 ptrtoint (ptr addrspace(3) @smem to i32), i32 57408)
  call void asm sideeffect "mbarrier.arrive.shared.b64 _, [$0];", "r,~{memory}"(i32 %add36)
  br label %if.end37

if.end37:
  %inc39 = add nuw nsw i32 %k.0236, 1
  %exitcond300.not = icmp eq i32 %inc39, %div8
  br i1 %exitcond300.not, label %for.cond7.for.cond41.preheader_crit_edge, label %for.body11

for.cond.cleanup43:
  call void asm sideeffect "fence.proxy.async.shared::cta;", "~{memory}"()
  call void asm sideeffect "bar.sync 1, 128;", "~{memory}"()
  br i1 %cmp, label %if.then91, label %if.end94

for.body44:
  %j.0299 = phi i32 [ 0, %for.cond41.preheader ], [ %inc88, %for.body44 ]
  %mul48 = shl nuw nsw i32 %j.0299, 1
  %add50 = or disjoint i32 %mul48, %div49129
  %xor = xor i32 %add50, %and
  %shl = shl nuw nsw i32 %xor, 4
  %add53 = add nuw nsw i32 %add52, %shl
  %mul54 = shl nuw nsw i32 %j.0299, 3
  %idxprom = zext nneg i32 %mul54 to i64
  %arrayidx = getelementptr inbounds nuw float, ptr %acc, i64 %idxprom
  %10 = load float, ptr %arrayidx, align 4
  %arrayidx58 = getelementptr inbounds nuw i8, ptr %arrayidx, i64 4
  %11 = load float, ptr %arrayidx58, align 4
  %12 = call i32 asm sideeffect "cvt.rn.bf16x2.f32 $0, $1, $2;", "=r,f,f"(float %11, float %10)
  %arrayidx63 = getelementptr inbounds nuw i8, ptr %arrayidx, i64 8
  %13 = load float, ptr %arrayidx63, align 4
  %arrayidx67 = getelementptr inbounds nuw i8, ptr %arrayidx, i64 12
  %14 = load float, ptr %arrayidx67, align 4
  %15 = call i32 asm sideeffect "cvt.rn.bf16x2.f32 $0, $1, $2;", "=r,f,f"(float %14, float %13)
  %arrayidx72 = getelementptr inbounds nuw i8, ptr %arrayidx, i64 16
  %16 = load float, ptr %arrayidx72, align 4
  %arrayidx76 = getelementptr inbounds nuw i8, ptr %arrayidx, i64 20
  %17 = load float, ptr %arrayidx76, align 4
  %18 = call i32 asm sideeffect "cvt.rn.bf16x2.f32 $0, $1, $2;", "=r,f,f"(float %17, float %16)
  %arrayidx81 = getelementptr inbounds nuw i8, ptr %arrayidx, i64 24
  %19 = load float, ptr %arrayidx81, align 4
  %arrayidx85 = getelementptr inbounds nuw i8, ptr %arrayidx, i64 28
  %20 = load float, ptr %arrayidx85, align 4
  %21 = call i32 asm sideeffect "cvt.rn.bf16x2.f32 $0, $1, $2;", "=r,f,f"(float %20, float %19)
  call void asm sideeffect "stmatrix.sync.aligned.m8n8.x4.shared.b16 [$0], {$1, $2, $3, $4};", "r,r,r,r,r,~{memory}"(i32 %add53, i32 %12, i32 %15, i32 %18, i32 %21)
  %inc88 = add nuw nsw i32 %j.0299, 1
  %exitcond301.not = icmp eq i32 %inc88, 4
  br i1 %exitcond301.not, label %for.cond.cleanup43, label %for.body44

if.then91:
  %22 = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.y()
  %mul93 = shl nuw nsw i32 %22, 6
  %23 = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %mul92 = shl nsw i32 %23, 6
  call void asm sideeffect "cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [$0, {$1, $2}], [$3];", "l,r,r,r,~{memory}"(ptr addrspace(1) %out, i32 %mul92, i32 %mul93, i32 add (i32 ptrtoint (ptr addrspace(3) @smem to i32), i32 49152))
  call void asm sideeffect "cp.async.bulk.commit_group;", "~{memory}"()
  call void asm sideeffect "cp.async.bulk.wait_group 0;", "~{memory}"()
  br label %if.end94

if.end94:
  br label %cleanup

cleanup:
  ret void
}

declare range(i32 0, 1024) i32 @llvm.nvvm.read.ptx.sreg.tid.x()

declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)

declare void @llvm.memset.p0.i64(ptr writeonly, i8, i64, i1 immarg)

declare range(i32 0, 2147483647) i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()

declare range(i32 0, 65535) i32 @llvm.nvvm.read.ptx.sreg.ctaid.y()
